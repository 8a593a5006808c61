//! The queues: one for each part, bound to what it wants to hear.

use std::time::Duration;

use leveret::{Binding, Exchange, Queue, Retry, Topology};

use crate::order::kind;
use crate::parts::Part;
use crate::settings::Settings;

/// The name of a part's queue.
pub(crate) fn queue_name(settings: &Settings, part: Part) -> String {
    format!("{}.{}", settings.exchange(), part.name())
}

/// Where payments go that were given up.
pub(crate) fn unpaid_name(settings: &Settings) -> String {
    format!("{}.unpaid", settings.exchange())
}

/// What a part listens to.
fn keys(part: Part) -> &'static [&'static str] {
    match part {
        Part::Create => &[kind::SHIPPED, kind::REFUSED],
        Part::Stock => &[kind::CREATED, kind::UNPAID],
        Part::Payment => &[kind::RESERVED],
        Part::Logistics => &[kind::PAID],
    }
}

/// For what is our own fault (a database that is busy, say): often, and without end in any run that is alive.
fn patient() -> Retry {
    let pauses = std::iter::once(200).chain(std::iter::repeat_n(1000, 60));
    Retry::ladder(pauses.map(Duration::from_millis)).jitter(20)
}

/// For the provider, which is asked five times.
fn provider() -> Retry {
    Retry::ladder([100, 200, 400, 800].map(Duration::from_millis)).jitter(20)
}

/// All of it. Every part declares everything, so that they may start in any order.
pub(crate) fn all(settings: &Settings) -> Topology {
    let exchange = settings.exchange();
    let queue = |name: String| if settings.quorum { Queue::quorum(name) } else { Queue::durable(name) };
    let mut topology = Topology::new().exchange(Exchange::topic(&exchange));
    let unpaid = unpaid_name(settings);
    // Before the queue whose dead letters it gets.
    topology = topology.queue(queue(unpaid.clone()).retry(patient()).dead_letter());
    for part in Part::ALL {
        let name = queue_name(settings, part);
        topology = topology.queue(match part {
            Part::Payment => queue(name.clone()).retry(provider()).dead_letter_to(&unpaid),
            _ => queue(name.clone()).retry(patient()).dead_letter(),
        });
        for key in keys(part) {
            topology = topology.binding(Binding::new(&name, &exchange, *key));
        }
    }
    topology
}
