//! Messages that enter a queue because it was bound, while the topology is locked.

use super::state::Outcome;
use super::{Incoming, Queue};
use crate::message::Message;
use crate::recorder::Recorder;
use std::sync::Arc;

impl Queue {
    /// A message enters. What it leads to is left for [`carry_out`](Self::carry_out), which is called when no lock is held.
    pub(crate) fn take_in(self: &Arc<Self>, message: Message, now_ms: u64) -> Outcome {
        let mut outcome = Outcome::default();
        let mut incoming = vec![Incoming { message, channel: 0, confirm: 0, moved: false }];
        // Nobody waits to hear that a full queue refused it.
        self.lock().publish(self, &mut incoming, &mut Vec::new(), now_ms, &mut outcome);
        outcome
    }

    /// Does what operations asked for.
    pub(crate) fn carry_out(self: &Arc<Self>, outcome: Outcome) {
        let mut recorder = Recorder::default();
        let vhost = self.vhost();
        self.follow_up(outcome, &mut recorder);
        let _ = recorder.commit(vhost.as_ref().and_then(|vhost| vhost.store()), None);
    }
}
