//! What an import made, told as events once it is done.

use super::policies::is_operator_policy;
use crate::broker::BrokerInner;
use crate::definitions::Definitions;
use crate::exchange::ExchangeSpec;
use crate::queue::Queue;
use crate::topology::Binding;
use crate::vhost::VirtualHost;
use std::sync::Arc;

/// An entity that was not there before.
pub(super) enum Made {
    Exchange(Arc<VirtualHost>, ExchangeSpec),
    Queue(Arc<VirtualHost>, Arc<Queue>),
    Binding(Arc<VirtualHost>, Arc<Binding>),
}

/// Entities that an import made; none are kept while nobody hears events.
pub(super) struct Making {
    is_heard: bool,
    all: Vec<Made>,
}

impl Making {
    pub(super) fn new(broker: &BrokerInner) -> Self {
        Self { is_heard: broker.events().is_heard(), all: Vec::new() }
    }

    pub(super) fn add(&mut self, made: impl FnOnce() -> Option<Made>) {
        if self.is_heard {
            self.all.extend(made());
        }
    }

    /// In RabbitMQ's order of importing. With no lock held.
    pub(super) fn tell(self, broker: &BrokerInner, definitions: &Definitions) {
        if !self.is_heard {
            return;
        }
        let vhost =
            |name: &Option<String>| broker.vhost(name.as_deref().unwrap_or(&broker.config().default_vhost));
        for parameter in definitions.parameters.iter().filter(|one| !is_operator_policy(one)) {
            if let Some(vhost) = vhost(&parameter.vhost) {
                vhost.parameter_set(&parameter.component, &parameter.name, &parameter.value);
            }
        }
        for parameter in &definitions.global_parameters {
            broker.announce_global_parameter(&parameter.name, &parameter.value);
        }
        for (name, policy) in super::policies::all(definitions, &broker.config().default_vhost) {
            if let Some(vhost) = broker.vhost(&name) {
                vhost.announce_policy_set(&policy);
            }
        }
        for made in self.all {
            match made {
                Made::Exchange(vhost, spec) => vhost.exchange_created(&spec, None),
                Made::Queue(vhost, queue) => vhost.queue_created(&queue, None),
                Made::Binding(vhost, binding) => vhost.binding_created(&binding, None),
            }
        }
    }
}
