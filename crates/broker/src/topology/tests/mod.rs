//! Tests of the topology, in one place because each needs several of its parts.

mod model;
mod refusals;
mod removal;
mod routing;

use leveret_protocol::{FieldTable, FieldValue, Properties};

use super::*;
use crate::exchange::Publication;
use crate::refusal::Refusal;

/// A topology whose handles are the queues' names.
type Names = Topology<Name>;

fn topology(queues: &[&str], exchanges: &[(&str, ExchangeKind)]) -> Names {
    let mut topology = Names::new("/".into());
    for queue in queues {
        assert_eq!(topology.insert_queue((*queue).into(), (*queue).into()), None);
    }
    for (name, kind) in exchanges {
        assert_eq!(topology.declare_exchange(ExchangeSpec::new(*name, *kind)), Ok(true));
    }
    topology
}

fn queue(name: &str) -> Destination {
    Destination::Queue(name.into())
}

fn exchange(name: &str) -> Destination {
    Destination::Exchange(name.into())
}

fn bind(topology: &mut Names, source: &str, destination: Destination, key: &str) -> bool {
    topology.bind(source, destination, key.as_bytes(), FieldTable::new()).unwrap()
}

fn unbind(topology: &mut Names, source: &str, destination: Destination, key: &str) -> Option<Removed> {
    topology.unbind(source, &destination, key.as_bytes(), &FieldTable::new()).unwrap()
}

fn with_headers(headers: &[(&str, FieldValue)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let headers = headers.iter().cloned().collect();
    Properties { headers: Some(headers), ..Default::default() }.encode(&mut bytes);
    bytes
}

fn publication<'a>(exchange: &'a str, key: &'a str, properties: &'a [u8]) -> Publication<'a> {
    let properties = leveret_protocol::RawProperties::parse(properties).unwrap();
    Publication::new(exchange, key.as_bytes(), properties)
}

/// The names of the queues, in order, and whether they may be cached.
fn route_with(
    topology: &Names,
    exchange: &str,
    key: &str,
    headers: &[(&str, FieldValue)],
) -> Result<(Vec<String>, bool), Refusal> {
    let properties = with_headers(headers);
    let mut found = Vec::new();
    let info = topology.route(&publication(exchange, key, &properties), &mut found)?;
    let mut names: Vec<_> = found.iter().map(|name| name.to_string()).collect();
    names.sort();
    Ok((names, info.cacheable))
}

fn route(topology: &Names, exchange: &str, key: &str) -> Vec<String> {
    route_with(topology, exchange, key, &[]).unwrap().0
}

fn listed<'a>(bindings: impl Iterator<Item = BindingRef<'a>>) -> Vec<(String, String, String)> {
    let mut bindings: Vec<_> = bindings
        .map(|binding| {
            let destination = binding.destination;
            (
                binding.source.to_owned(),
                format!("{} {}", destination.kind(), destination.name()),
                String::from_utf8_lossy(binding.key).into_owned(),
            )
        })
        .collect();
    bindings.sort();
    bindings
}
