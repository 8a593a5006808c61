//! Exchanges and virtual hosts as metrics: RabbitMQ's families under `rabbitmq_cluster_`.

use super::Source;
use super::text::{Text, gauge, labels};

/// `exchange_names`: 1 for each exchange.
pub(crate) fn names(source: &Source, text: &mut Text) {
    text.begin(&gauge("exchange_name", "Enumerates exchanges without any additional info"));
    each(source, text, |_| 1);
}

/// `exchange_bindings`: how many bindings lead away from each.
pub(crate) fn bindings(source: &Source, text: &mut Text) {
    text.begin(&gauge("exchange_bindings", "Number of bindings for an exchange"));
    each(source, text, |bindings| bindings);
}

fn each(source: &Source, text: &mut Text, figure: fn(u64) -> u64) {
    for vhost in source.vhosts() {
        let found: Vec<_> = {
            let topology = vhost.topology();
            let named = topology.exchanges().filter(|exchange| !exchange.name.is_empty());
            named
                .map(|exchange| {
                    (exchange.name.clone(), exchange.kind, topology.bindings_from(&exchange.name).count())
                })
                .collect()
        };
        for (name, kind, bindings) in found {
            let of = labels(&[("vhost", vhost.name()), ("exchange", &name), ("type", kind.as_str())]);
            text.sample(&of, figure(bindings as u64));
        }
    }
}

/// `vhost_status`: 1 for each that is there.
pub(crate) fn vhosts(source: &Source, text: &mut Text) {
    text.begin(&gauge("vhost_status", "Whether a given vhost is running"));
    for vhost in source.vhosts() {
        text.sample(&labels(&[("vhost", vhost.name())]), 1);
    }
}
