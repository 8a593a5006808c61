//! Entities that come from definitions: nobody asks for them, so nobody's permissions count.

use super::{BindSpec, KeptNumbers, VirtualHost, bindings, changes, exchanges};
use crate::definitions::stored;
use crate::exchange::ExchangeSpec;
use crate::queue::arguments::QueueArguments;
use crate::queue::{Queue, QueueSpec, equivalence};
use crate::refusal::Refusal;
use leveret_store::Batch;
use std::sync::Arc;

impl VirtualHost {
    /// Returns what the exchange keeps: its timetable and its gate, if it has them.
    ///
    /// # Errors
    /// Arguments that its type refuses, an exchange of that name that differs.
    pub(crate) fn restore_exchange(
        self: &Arc<Self>,
        spec: ExchangeSpec,
        numbers: KeptNumbers,
        batch: &mut Batch,
    ) -> Result<Vec<Arc<Queue>>, Refusal> {
        let name = spec.name.clone();
        let kept = self.make_kept(&spec, numbers)?;
        self.change_into(batch, |topology, batch| {
            exchanges::declare(topology, self.name(), spec, kept, batch)?;
            Ok(topology.timetable(&name).into_iter().chain(topology.gate(&name)).cloned().collect())
        })
    }

    /// # Errors
    /// Bad arguments, a queue of that name that differs.
    pub(crate) fn restore_queue(
        self: &Arc<Self>,
        spec: QueueSpec,
        number: Option<u64>,
        batch: &mut Batch,
    ) -> Result<Arc<Queue>, Refusal> {
        if let Some(existing) = self.topology().queue(&spec.name) {
            return equivalence::check(existing.spec(), &spec, self.name()).map(|()| existing.clone());
        }
        let arguments = QueueArguments::parse(&spec.name, self.name(), &spec)?;
        let now_ms = self.clock().now_ms();
        let name = spec.name.clone();
        let number = number.unwrap_or_else(|| self.next_queue_id());
        let policies = self.policy_set();
        let queue = Queue::new(number, spec, arguments.kind(), &policies, self, now_ms);
        self.change_into(batch, |topology, batch| {
            if changes::is_lasting(&queue) {
                stored::put_queue(batch, self.name(), &queue);
            }
            topology.insert_queue(name, queue.clone())
        });
        if !Arc::ptr_eq(&policies, &self.policy_set()) {
            self.catch_up_with_policies(&queue);
        }
        queue.with(|state, queue, outcome| state.dispatch(queue, now_ms, outcome));
        Ok(queue)
    }

    /// # Errors
    /// An entity is missing, or the exchange's type refuses the binding.
    pub(crate) fn restore_binding(&self, spec: BindSpec, batch: &mut Batch) -> Result<(), Refusal> {
        self.change_into(batch, |topology, batch| bindings::bind(topology, self.name(), spec, batch))
            .map(drop)
    }
}
