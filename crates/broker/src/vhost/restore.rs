//! Entities that come from definitions: nobody asks for them, so nobody's permissions count.

use super::{BindSpec, KeptNumbers, VirtualHost, bindings, changes, exchanges};
use crate::definitions::stored;
use crate::exchange::ExchangeSpec;
use crate::queue::arguments::QueueArguments;
use crate::queue::{Queue, QueueSpec, equivalence};
use crate::refusal::Refusal;
use crate::topology::Binding;
use leveret_store::Batch;
use std::sync::Arc;

impl VirtualHost {
    /// Whether it is new, and what it keeps: its timetable and its gate, if it has them.
    ///
    /// # Errors
    /// Arguments that its type refuses, an exchange of that name that differs.
    pub(crate) fn restore_exchange(
        self: &Arc<Self>,
        spec: ExchangeSpec,
        numbers: KeptNumbers,
        batch: &mut Batch,
    ) -> Result<(bool, Vec<Arc<Queue>>), Refusal> {
        let name = spec.name.clone();
        let kept = self.make_kept(&spec, numbers)?;
        self.change_into(batch, |topology, batch| {
            let is_new = exchanges::declare(topology, self.name(), spec, kept, batch)?;
            let kept = topology.timetable(&name).into_iter().chain(topology.gate(&name)).cloned();
            Ok((is_new, kept.collect()))
        })
    }

    /// A new queue is `paused` from the start.
    ///
    /// # Errors
    /// Bad arguments, a queue of that name that differs.
    pub(crate) fn restore_queue(
        self: &Arc<Self>,
        spec: QueueSpec,
        number: Option<u64>,
        paused: bool,
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
        if paused {
            queue.lock().set_paused(true);
        }
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

    /// Returns the binding if it is new.
    ///
    /// # Errors
    /// An entity is missing, or the exchange's type refuses the binding.
    pub(crate) fn restore_binding(
        &self,
        spec: BindSpec,
        batch: &mut Batch,
    ) -> Result<Option<Arc<Binding>>, Refusal> {
        self.change_into(batch, |topology, batch| {
            let is_new = bindings::bind(topology, self.name(), spec.clone(), batch)?;
            let binding = topology.binding(&spec.source, &spec.destination, &spec.key, &spec.arguments);
            Ok(binding.filter(|_| is_new).cloned())
        })
    }
}
