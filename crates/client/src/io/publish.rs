//! Writing messages: the confirm number is given where the frame is written.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use super::channel_state::ChannelState;
use crate::error::SendError;
use crate::publisher::InFlight;

impl ChannelState {
    /// Writes what fits; true when something is left.
    pub(super) fn write_publishes(&mut self, frame_max: u32, bytes_max: usize, out: &mut Vec<u8>) -> bool {
        if !self.usable || self.closing {
            return false;
        }
        loop {
            if out.len() >= bytes_max {
                return !self.resend.is_empty() || self.shared.has_publishes();
            }
            if self.suspects > 0 && !self.ring.is_empty() {
                return false; // one at a time until the culprit is found
            }
            match self.resend.pop_front().or_else(|| self.shared.next_publish()) {
                Some(message) => self.write_one(message, frame_max, out),
                None => return false,
            }
        }
    }

    /// On a low-level channel methods come after what was published before them, also while the broker blocks: it reads neither then.
    pub(super) fn write_before(&mut self, frame_max: u32, out: &mut Vec<u8>) {
        if !self.recovers {
            self.write_publishes(frame_max, usize::MAX, out);
        }
    }

    fn write_one(&mut self, message: Arc<InFlight>, frame_max: u32, out: &mut Vec<u8>) {
        if message.is_done() {
            self.suspects = self.suspects.saturating_sub(1);
            return self.done(&message);
        }
        if !message.was_written()
            && message.deadline.is_some_and(|deadline| deadline <= tokio::time::Instant::now())
        {
            message.complete(Err(SendError::Deadline));
            self.suspects = self.suspects.saturating_sub(1);
            return self.done(&message);
        }
        if !message.begin_write() {
            self.suspects = self.suspects.saturating_sub(1);
            return self.done(&message);
        }
        message.write(self.shared.number, frame_max, out);
        if self.confirms {
            let bytes = message.permit_bytes as usize;
            self.ring.push(message, bytes);
        } else {
            message.complete(Ok(()));
            self.done(&message);
        }
    }

    /// Queued messages are taken out while there is no channel, so that their deadlines are seen.
    pub(super) fn hold_publishes(&mut self) {
        while let Some(message) = self.shared.next_publish() {
            self.resend.push_back(message);
        }
    }

    /// `basic.ack` or `basic.nack` from the broker.
    pub(super) fn confirmed(&mut self, tag: u64, multiple: bool, stored: bool) {
        let (mut count, mut bytes) = (0, 0);
        match self.ring.confirm(tag, multiple) {
            Ok(completed) => {
                for message in completed {
                    if stored {
                        message.confirm()
                    } else {
                        message.complete(Err(SendError::Rejected))
                    }
                    count += 1;
                    bytes += message.permit_bytes as usize;
                }
            }
            Err(error) => tracing::warn!(channel = self.shared.number, %error, "confirm ignored"),
        }
        if !stored {
            self.shared.nacked.fetch_add(count, SeqCst);
        }
        self.suspects = self.suspects.saturating_sub(count);
        self.done_count += count;
        self.done_bytes += bytes;
    }

    /// The broker closed the channel because of a message. With one in flight that was it; else all of them are suspects and go
    /// again one by one. Call before `lose`.
    pub(super) fn accuse(&mut self, code: u16, text: &str) {
        let in_flight = self.ring.len();
        if in_flight == 1 {
            for (_, message) in self.ring.iter() {
                message.complete(Err(SendError::Refused { code, text: text.into() }));
            }
            self.suspects = self.suspects.saturating_sub(1);
        } else {
            self.suspects = self.suspects.max(in_flight);
        }
    }
}
