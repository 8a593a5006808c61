//! The end of a virtual host, with everything in it.

use super::{VirtualHost, changes};
use crate::definitions::stored;
use crate::name::Name;
use crate::policy::PolicyScope;
use crate::refusal::Refusal;
use crate::topology::Removed;
use leveret_protocol::ReplyCode;
use leveret_store::Batch;
use std::sync::atomic::Ordering;

impl VirtualHost {
    /// Takes out exchanges, queues and their messages, bindings, policies and parameters. What is to be forgotten is left in the batch; until
    /// it is appended nobody may change definitions ([`Shared::definitions_stand`](super::Shared)).
    pub(crate) fn delete(&self, batch: &mut Batch) {
        let (queues, removed, orphans) = self.change_into(batch, |topology, batch| {
            self.deleted.store(true, Ordering::Release);
            let mut all = Removed::default();
            let mut queues = Vec::new();
            let names: Vec<Name> = topology.queues().map(|(name, _)| name.clone()).collect();
            for name in names {
                let Some((queue, removed)) = topology.remove_queue(&name) else { continue };
                stored::remove_queue(batch, self.name(), &queue);
                changes::removed(batch, self.name(), &removed);
                all.exchanges.extend(removed.exchanges);
                all.bindings.extend(removed.bindings);
                queues.push(queue);
            }
            let names: Vec<Name> = topology.exchanges().map(|exchange| exchange.name.clone()).collect();
            for name in names {
                let removed = topology.remove_exchange(&name);
                changes::removed(batch, self.name(), &removed);
                all.exchanges.extend(removed.exchanges);
                all.bindings.extend(removed.bindings);
            }
            let orphans = topology.take_orphans();
            orphans.iter().for_each(|kept| batch.drop_queue(kept.id()));
            for scope in [PolicyScope::User, PolicyScope::Operator] {
                for policy in topology.policies().list(scope) {
                    stored::remove_policy(batch, self.name(), scope, &policy.name);
                }
            }
            (queues, all, orphans)
        });
        for parameter in self.parameters() {
            stored::remove_parameter(batch, self.name(), &parameter.component, &parameter.name);
        }
        stored::remove_vhost(batch, self.name());
        self.sweeps.cancel();
        orphans.iter().for_each(|kept| self.close_timetable(kept));
        self.removed(&removed);
        for queue in &queues {
            self.queue_deleted(queue.name());
            // What is in the store goes as a whole.
            let _ = self.close_queue(queue);
        }
    }

    /// Refuses what would make something in a virtual host that is gone.
    pub(super) fn check_not_deleted(&self) -> Result<(), Refusal> {
        match self.deleted.load(Ordering::Acquire) {
            false => Ok(()),
            true => Err(Refusal::other(ReplyCode::ConnectionForced, deleted_text(self.name()))),
        }
    }
}

/// What connections of a virtual host that goes are told, in RabbitMQ's words.
pub(crate) fn deleted_text(vhost: &str) -> String {
    format!("vhost '{vhost}' is deleted")
}
