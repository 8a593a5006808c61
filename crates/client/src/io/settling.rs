//! Settlements: taken from the handles, let through by the coalescer, written.

use leveret_protocol::methods::basic;
use tokio::time::Instant;

use super::channel_state::ChannelState;
use crate::acks::{SettleFrame, Settlement};

impl ChannelState {
    /// Takes settlements from the handles; writes what the coalescer lets through.
    pub(super) fn settle(&mut self, now: Instant, out: &mut Vec<u8>) {
        self.take_settles(now, out);
        loop {
            self.shared.quiet.until(self.acks.until_flush());
            if !self.shared.has_settles() {
                return;
            }
            self.take_settles(now, out);
        }
    }

    fn take_settles(&mut self, now: Instant, out: &mut Vec<u8>) {
        let mut frames = Vec::new();
        while let Some(settle) = self.shared.next_settle() {
            self.settle_one(settle, now, &mut frames);
        }
        let overflow = std::mem::take(&mut *self.shared.overflow.lock());
        for settle in overflow {
            self.settle_one(settle, now, &mut frames);
        }
        if self.acks.outstanding() == 0 {
            self.acks.flush(&mut frames);
        }
        self.write_settlements(&frames, out);
    }

    fn settle_one(&mut self, settle: super::asked::Settle, now: Instant, frames: &mut Vec<SettleFrame>) {
        let settled = self.acks.settle(settle.epoch, settle.tag, settle.kind, now.into_std(), frames);
        if let Err(error) = settled {
            tracing::debug!(channel = self.shared.number, %error, "settlement not sent");
        }
    }

    pub(super) fn on_ack_timer(&mut self, now: Instant, out: &mut Vec<u8>) {
        if self.acks.deadline().is_none_or(|deadline| deadline > now.into_std()) {
            return;
        }
        self.take_settles(now, out);
        self.flush_acks(now, out);
    }

    pub(super) fn flush_acks(&mut self, now: Instant, out: &mut Vec<u8>) {
        let mut frames = Vec::new();
        self.acks.flush(&mut frames);
        self.write_settlements(&frames, out);
        self.settle(now, out);
    }

    /// Behind our close a frame would cost the whole connection; what is unsettled goes back to its queue in any case.
    fn write_settlements(&self, frames: &[SettleFrame], out: &mut Vec<u8>) {
        let channel = self.shared.number;
        for &SettleFrame { kind, tag: delivery_tag, multiple } in frames.iter().filter(|_| !self.closing) {
            match kind {
                Settlement::Ack => basic::Ack { delivery_tag, multiple }.write(channel, out),
                Settlement::Nack { requeue } => {
                    basic::Nack { delivery_tag, multiple, requeue }.write(channel, out);
                }
                Settlement::Reject { requeue } => basic::Reject { delivery_tag, requeue }.write(channel, out),
            }
        }
    }
}
