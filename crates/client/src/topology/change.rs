//! What one answered method changes in the record.

use super::{Binding, Exchange, Queue, Topology};

/// See the module's documentation.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Change {
    /// An exchange was declared.
    Exchange(Exchange),
    /// An exchange was deleted.
    ExchangeDeleted(String),
    /// A queue was declared.
    Queue(Queue),
    /// A queue was deleted.
    QueueDeleted(String),
    /// Something was bound.
    Bound(Binding),
    /// A binding was removed.
    Unbound(Binding),
}

impl Topology {
    /// Records it. `named`: the name with which the broker answered a declared queue.
    pub fn apply(&mut self, change: Change, named: Option<&str>) {
        match change {
            Change::Exchange(exchange) => self.exchange_declared(exchange),
            Change::ExchangeDeleted(name) => self.exchange_deleted(&name),
            Change::Queue(mut queue) => {
                if let Some(name) = named {
                    name.clone_into(&mut queue.name);
                }
                self.queue_declared(queue);
            }
            Change::QueueDeleted(name) => drop(self.queue_deleted(&name)),
            Change::Bound(binding) => self.bound(binding),
            Change::Unbound(binding) => {
                self.unbound(&binding.destination, &binding.source, &binding.routing_key, &binding.arguments)
            }
        }
    }
}
