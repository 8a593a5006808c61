//! Other settings for a queue that is there.

use super::{Outcome, QueueState};
use crate::queue::Queue;
use crate::queue::settings::Settings;
use std::sync::Arc;

impl QueueState {
    /// Puts other settings in force.
    ///
    /// As RabbitMQ 3.10: a length limit trims at once; another `expires` starts anew; a time to live is for messages that enter from now
    /// on, while those that are in keep the moment at which they die. What a queue is declared as (priorities, single active
    /// consumer, auto-delete) cannot change.
    pub(crate) fn apply_settings(
        &mut self,
        queue: &Arc<Queue>,
        settings: Settings,
        now_ms: u64,
        outcome: &mut Outcome,
    ) {
        if self.deleted || self.settings == settings {
            return;
        }
        if self.settings.expires_ms != settings.expires_ms {
            self.used_ms = now_ms;
        }
        let dedup_changes = self.settings.dedup != settings.dedup;
        self.settings = settings;
        if dedup_changes {
            let dedup = self.settings.dedup.clone();
            self.change_dedup(dedup.as_ref(), now_ms, outcome);
        }
        if self.settings.bounded {
            self.drop_overflow(outcome);
        }
        self.finish(queue, now_ms, outcome);
    }
}
