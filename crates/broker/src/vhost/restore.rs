//! Entities that come from definitions: nobody asks for them, so nobody's permissions count.

use super::VirtualHost;
use crate::exchange::ExchangeSpec;
use crate::queue::arguments::QueueArguments;
use crate::queue::{Queue, QueueSpec, equivalence};
use crate::refusal::Refusal;
use crate::topology::Destination;
use leveret_protocol::FieldTable;
use std::sync::Arc;

impl VirtualHost {
    /// # Errors
    /// Arguments that its type refuses, an exchange of that name that differs.
    pub(crate) fn restore_exchange(&self, spec: ExchangeSpec) -> Result<(), Refusal> {
        self.change(|topology| topology.declare_exchange(spec)).map(|_| ())
    }

    /// # Errors
    /// Bad arguments, a queue of that name that differs.
    pub(crate) fn restore_queue(self: &Arc<Self>, spec: QueueSpec) -> Result<(), Refusal> {
        if let Some(existing) = self.topology().queue(&spec.name) {
            return equivalence::check(existing.spec(), &spec, self.name());
        }
        let arguments = QueueArguments::parse(&spec.name, self.name(), &spec)?;
        let now_ms = self.clock().now_ms();
        let name = spec.name.clone();
        let queue = Queue::new(self.next_queue_id(), spec, &arguments, self, now_ms);
        self.change(|topology| topology.insert_queue(name, queue.clone()));
        queue.with(|state, queue, outcome| state.dispatch(queue, now_ms, outcome));
        Ok(())
    }

    /// # Errors
    /// An entity is missing, or the exchange's type refuses the binding.
    pub(crate) fn restore_binding(
        &self,
        source: &str,
        destination: Destination,
        key: &[u8],
        arguments: FieldTable,
    ) -> Result<(), Refusal> {
        self.change(|topology| topology.bind(source, destination, key, arguments)).map(|_| ())
    }
}
