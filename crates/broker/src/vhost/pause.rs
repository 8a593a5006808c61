//! Stopping a queue's deliveries for a while.

use super::{Actor, VirtualHost, changes};
use crate::definitions::stored;
use crate::name::ResourceKind;
use crate::queue::Queue;
use crate::refusal::{Permission, Refusal};
use std::sync::Arc;

impl VirtualHost {
    /// Stops a queue's deliveries until it is resumed: consumers stay subscribed and get nothing, `basic.get` finds it empty. Publishing,
    /// settling, expiry and limits go on, and so do sweeps. What consumers were given before stays theirs.
    ///
    /// A durable queue that is not exclusive stays paused over a restart. `true`: it was not paused before.
    ///
    /// # Errors
    /// No configure permission, no such queue, another connection's queue, a store that failed.
    pub fn pause_queue(&self, actor: &Actor, queue: &str) -> Result<bool, Refusal> {
        let queue = self.queue_to_configure(actor, queue)?;
        Ok(self.set_paused(&queue, true))
    }

    /// Lets deliveries go on. `true`: it was paused.
    ///
    /// # Errors
    /// As [`pause_queue`](Self::pause_queue).
    pub fn resume_queue(&self, actor: &Actor, queue: &str) -> Result<bool, Refusal> {
        let queue = self.queue_to_configure(actor, queue)?;
        let resumed = self.set_paused(&queue, false);
        if resumed {
            let now_ms = self.clock().now_ms();
            queue.with(|state, queue, outcome| state.dispatch(queue, now_ms, outcome));
        }
        Ok(resumed)
    }

    fn queue_to_configure(&self, actor: &Actor, name: &str) -> Result<Arc<Queue>, Refusal> {
        self.permit(actor, ResourceKind::Queue, name, Permission::Configure)?;
        let queue = self.owned_backlog(actor, name)?;
        self.check_store(changes::is_lasting(&queue))?;
        Ok(queue)
    }

    /// `false`: it is like that already, or it is gone.
    fn set_paused(&self, queue: &Arc<Queue>, paused: bool) -> bool {
        // Under the topology's lock: the queue is not deleted, and nobody else pauses it, between the change and its record.
        self.change(|topology, batch| {
            let is_here = topology.queue(queue.name()).is_some_and(|here| here.id() == queue.id());
            let changed = is_here && queue.lock().set_paused(paused);
            if changed && changes::is_lasting(queue) {
                stored::put_queue(batch, self.name(), queue);
            }
            changed
        })
    }
}
