//! The part of a recovery that has to wait: queues that another connection still has for itself, and what depends on them. It goes on
//! beside everything else, on a channel of its own.

use std::sync::Arc;
use std::time::Duration;

use leveret_protocol::methods::channel;
use leveret_protocol::{Method, ShortStr};
use tokio::time::Instant;

use super::channel_shared::ChannelShared;
use super::channel_state::{ChannelState, Pending};
use super::link::Link;
use super::restore::{NOT_FOUND, RESOURCE_LOCKED, encode};
use super::task::Task;
use crate::deadline;
use crate::topology::{Outcome, Recovery};

/// An exclusive queue belongs to another connection: perhaps the lost one, of whose end the broker does not know yet. So often all of them
/// are tried; those that are locked for longer are declared for their consumers when these find them gone.
const LOCKED_TRIES: u32 = 50;
const LOCKED_PAUSE: Duration = Duration::from_millis(100);

pub(super) struct Late {
    recovery: Recovery,
    tries: u32,
    /// When to go on, if it does not wait for an answer.
    pub(super) at: Option<Instant>,
    channel: Option<u16>,
}

impl Late {
    pub(super) fn new(mut recovery: Recovery) -> Self {
        recovery.resume();
        Self { recovery, tries: 1, at: Some(Instant::now() + LOCKED_PAUSE), channel: None }
    }

    pub(super) fn is_on(&self, number: u16) -> bool {
        self.channel == Some(number)
    }
}

impl Task {
    /// Opens the channel, if it is time.
    pub(super) fn begin_late(&mut self, link: &mut Link, now: Instant) {
        let due = self.late.as_ref().and_then(|late| late.at);
        if due.is_none_or(|at| at > now) {
            return;
        }
        let number = self.free_number(link.channel_max);
        let Some(late) = &mut self.late else { return };
        let Some(number) = number else {
            late.at = Some(now + LOCKED_PAUSE); // all are in use
            return;
        };
        (late.at, late.channel) = (None, Some(number));
        let shared = Arc::new(ChannelShared::new(self.shared.clone(), number, (1, 1), 0));
        let mut state = ChannelState::new(shared, false, false, 0, self.options.operation_timeout);
        state.open(None, &mut link.out);
        if let Some(slot) = self.channels.get_mut(usize::from(number)) {
            *slot = Some(Box::new(state));
        }
    }

    /// What comes on that channel.
    pub(super) fn on_late(&mut self, number: u16, method: &Method<'_>, link: &mut Link) {
        let outcome = match method {
            Method::ChannelOpenOk(_) => None,
            Method::ChannelClose(close) => {
                channel::CloseOk.write(number, &mut link.out);
                link.inbound.forget_channel(number);
                let reason = close.reply_text.to_lossy().into_owned();
                let outcome = match close.reply_code {
                    NOT_FOUND => Outcome::Gone(reason),
                    RESOURCE_LOCKED if self.late.as_ref().is_some_and(|late| late.tries < LOCKED_TRIES) => {
                        Outcome::Later
                    }
                    _ => Outcome::Failed(reason),
                };
                self.remove(number);
                if let Some(late) = &mut self.late {
                    (late.at, late.channel) = (Some(Instant::now()), None);
                }
                Some(outcome)
            }
            Method::QueueDeclareOk(ok) => Some(Outcome::Named(ok.queue.to_lossy().into_owned())),
            _ => Some(Outcome::Done),
        };
        if let Some(state) = self.channel(number) {
            state.pending.pop_front();
        }
        if let (Some(outcome), Some(late)) = (outcome, &mut self.late) {
            late.recovery.done(&mut self.shared.topology.lock(), outcome);
        }
        self.rearm = true;
        self.next_late(link);
    }

    fn next_late(&mut self, link: &mut Link) {
        let Some(late) = &mut self.late else { return };
        let frame = loop {
            let mut topology = self.shared.topology.lock();
            let Some(step) = late.recovery.next(&topology) else { break None };
            let mut frame = Vec::new();
            match encode(&step, late.channel.unwrap_or(0), &mut frame) {
                true => break Some(frame),
                false => late.recovery.done(&mut topology, Outcome::Left),
            }
        };
        match (frame, late.channel) {
            (Some(frame), Some(number)) => {
                link.out.extend_from_slice(&frame);
                let by = deadline::after(Instant::now(), self.options.operation_timeout);
                if let Some(state) = self.channel(number) {
                    state.pending.push_back(Pending::Internal(Some(by)));
                }
            }
            (Some(_), None) => {} // the channel is opened first
            (None, _) if late.recovery.is_waiting() => {
                late.recovery.resume();
                late.tries += 1;
                late.at = Some(Instant::now() + LOCKED_PAUSE);
                self.end_late_channel(link);
            }
            (None, _) => {
                self.end_late_channel(link);
                if let Some(late) = self.late.take() {
                    self.recovered(late.recovery.finish());
                }
                // Consumers that were refused meanwhile need not wait out their pauses.
                let now = Instant::now();
                for state in self.each_channel().filter(|state| state.reopen_at.is_some()) {
                    state.hurry_back(now);
                }
            }
        }
    }

    fn end_late_channel(&mut self, link: &mut Link) {
        let Some(number) = self.late.as_mut().and_then(|late| late.channel.take()) else { return };
        if let Some(state) = self.channel(number) {
            let reply_text = ShortStr::default();
            channel::Close { reply_code: 200, reply_text, ..Default::default() }.write(number, &mut link.out);
            state.closing = true;
        }
    }
}
