//! Replaying, moving, copying, deleting and expiring messages of a queue.

use super::{Actor, VirtualHost};
use crate::name::ResourceKind;
use crate::queue::Queue;
use crate::queue::sweep::{self, Action, PLACES_MAX, Selection, Sweep, To};
use crate::refusal::{Permission, Refusal};
use parking_lot::Mutex;
use std::sync::Arc;

/// Sweeps that may run in a virtual host at a time.
pub const SWEEPS_MAX: usize = 32;
/// Sweeps that are over and can still be looked up.
const OVER_MAX: usize = 64;

/// The sweeps of a virtual host, oldest first.
#[derive(Debug, Default)]
pub(super) struct Sweeps(Mutex<(u64, Vec<Arc<Sweep>>)>);

impl Sweeps {
    /// Ends them all.
    pub(super) fn cancel(&self) {
        self.0.lock().1.iter().for_each(|sweep| sweep.cancel());
    }
}

impl VirtualHost {
    /// Sends dead letters back to where they came from, or elsewhere. They keep their headers and their `x-death`, and carry
    /// `x-replayed-at` (a timestamp), `x-replay-count` and `x-replay-deaths` (their deaths before it). What counted their failed deliveries
    /// (`x-delivery-count` and its like) is taken out: their attempts begin anew. An expiration that dead-lettering took
    /// out does not come back; one that is there begins anew, as does the target's time to live. Where they came from is what `x-original-exchange`,
    /// `x-original-routing-key` and `x-original-queue` say, which the toolkit writes, else their first `x-death`. A message that leads nowhere, that never died
    /// while its origin is asked for, or whose queue is full, stays where it is and counts as failed.
    ///
    /// # Errors
    /// No read permission for the queue, no such queue, another connection's; for [`To::Exchange`] what publishing there would be refused
    /// with; too many places; too many sweeps. Whether the actor may write to what a message names itself is asked for each message.
    pub fn replay(
        self: &Arc<Self>,
        actor: &Actor,
        queue: &str,
        to: To,
        selection: Selection,
    ) -> Result<Arc<Sweep>, Refusal> {
        if let To::Exchange { exchange, .. } = &to {
            self.check_publish(actor, exchange)?;
        }
        self.sweep(actor, queue, Action::Replay(to), selection)
    }

    /// Moves messages into another queue of the virtual host, as they are, past every exchange. What they were is forgotten: delivery counts,
    /// `redelivered`, and how much of their time to live had passed.
    ///
    /// # Errors
    /// No read permission for the one, no write permission for the other, no such queue, another connection's queue; too many places; too
    /// many sweeps.
    pub fn move_messages(
        self: &Arc<Self>,
        actor: &Actor,
        queue: &str,
        to: &str,
        selection: Selection,
    ) -> Result<Arc<Sweep>, Refusal> {
        let to = self.queue_to_fill(actor, to)?;
        self.sweep(actor, queue, Action::Move(to), selection)
    }

    /// The same, and they stay where they are as well.
    ///
    /// # Errors
    /// As [`move_messages`](Self::move_messages).
    pub fn copy_messages(
        self: &Arc<Self>,
        actor: &Actor,
        queue: &str,
        to: &str,
        selection: Selection,
    ) -> Result<Arc<Sweep>, Refusal> {
        let to = self.queue_to_fill(actor, to)?;
        self.sweep(actor, queue, Action::Copy(to), selection)
    }

    /// Takes messages out for good.
    ///
    /// # Errors
    /// No read permission, as for a purge; no such queue, another connection's; too many places; too many sweeps.
    pub fn delete_messages(
        self: &Arc<Self>,
        actor: &Actor,
        queue: &str,
        selection: Selection,
    ) -> Result<Arc<Sweep>, Refusal> {
        self.sweep(actor, queue, Action::Delete, selection)
    }

    /// Has messages die as if their time to live had ended: they are dead-lettered with the reason `expired`, or gone.
    ///
    /// # Errors
    /// As [`delete_messages`](Self::delete_messages).
    pub fn expire_messages(
        self: &Arc<Self>,
        actor: &Actor,
        queue: &str,
        selection: Selection,
    ) -> Result<Arc<Sweep>, Refusal> {
        self.sweep(actor, queue, Action::Expire, selection)
    }

    /// The sweeps that run and the last ones that are over, oldest first, of queues that the actor may read.
    #[must_use]
    pub fn sweeps(&self, actor: &Actor) -> Vec<Arc<Sweep>> {
        let all = self.sweeps.0.lock().1.clone();
        let may_read = |sweep: &Arc<Sweep>| {
            self.permit(actor, ResourceKind::Queue, sweep.queue(), Permission::Read).is_ok()
        };
        all.into_iter().filter(may_read).collect()
    }

    /// A queue that the actor may put messages into.
    pub(crate) fn queue_to_fill(&self, actor: &Actor, name: &str) -> Result<Arc<Queue>, Refusal> {
        self.permit(actor, ResourceKind::Queue, name, Permission::Write)?;
        self.owned_queue(actor, name)
    }

    fn sweep(
        self: &Arc<Self>,
        actor: &Actor,
        queue: &str,
        action: Action,
        selection: Selection,
    ) -> Result<Arc<Sweep>, Refusal> {
        self.permit(actor, ResourceKind::Queue, queue, Permission::Read)?;
        let queue = self.owned_backlog(actor, queue)?;
        let places = selection.places.as_ref().map_or(0, Vec::len);
        if places > PLACES_MAX {
            return Err(Refusal::precondition(format!(
                "{places} places were given, {PLACES_MAX} at a time are the most: take a filter, or several sweeps"
            )));
        }
        let sweep = {
            let (last, all) = &mut *self.sweeps.0.lock();
            if all.iter().filter(|sweep| !sweep.is_over()).count() >= SWEEPS_MAX {
                return Err(Refusal::precondition(format!(
                    "{SWEEPS_MAX} sweeps run in vhost '{}', the most there may be: wait for one or cancel it",
                    self.name
                )));
            }
            let over = all.iter().filter(|sweep| sweep.is_over()).count();
            if over >= OVER_MAX
                && let Some(at) = all.iter().position(|sweep| sweep.is_over())
            {
                all.remove(at);
            }
            *last += 1;
            let sweep = Sweep::new(*last, actor, queue, action, selection);
            all.push(sweep.clone());
            sweep
        };
        sweep::start(self, &sweep);
        Ok(sweep)
    }
}
