//! Settlement by consumers: ack, nack, reject, recover.

use super::Session;
use super::errors::IntoError as _;
use super::trace::SessionTrace;
use crate::channel::transaction::Settlement;
use crate::channel::unacked::{Slot, UNWRITTEN};
use crate::channel::{Channel, Mode};
use crate::queue::past::Return;
use crate::queue::stream::request;
use crate::trace::Ending;
use leveret_protocol::methods::basic;
use leveret_protocol::{MethodId, ProtocolError, ReplyCode};

impl Session {
    #[inline]
    pub(super) fn ack(&mut self, channel: u16, m: basic::Ack) -> Result<(), ProtocolError> {
        if self.channel_holds(channel) {
            return self.hold(channel, m.delivery_tag, m.multiple, Settlement::Ack, basic::Ack::ID);
        }
        let Self { channels, pending, trace, now_ms, .. } = self;
        let Some(Some(open)) = channels.get_mut(usize::from(channel)) else {
            return Err(unopened());
        };
        let Channel { unacked, queues, limiter, consumers, figures, .. } = &mut **open;
        let mut consumed = 0;
        let mut settle = |slot: Slot| {
            consumed += u32::from(slot.consumer.is_some());
            let queue = &queues[slot.queue as usize];
            figures.of(queue.kind()).ack.add(1);
            if let Some(trace) = trace {
                trace.ended(channel, &slot, queue, Ending::Acked);
            }
            pending.settle(queue, slot.settled());
        };
        let known = if m.multiple {
            unacked.take_through(m.delivery_tag, settle)
        } else {
            unacked.take(m.delivery_tag).map(&mut settle)
        };
        if known.is_none() {
            return Err(unknown_tag(channel, m.delivery_tag, basic::Ack::ID));
        }
        figures.unacked.set(unacked.len() as u64);
        figures.used_ms.set(*now_ms);
        if unacked.len() == 0 && consumers.is_empty() {
            // Nothing refers to them any more; a deleted one among them can go.
            queues.clear();
        }
        if let Some(limiter) = limiter.clone() {
            self.flush_queues();
            self.give_back(&limiter, consumed);
        }
        Ok(())
    }

    pub(super) fn nack(
        &mut self,
        channel: u16,
        m: basic::Nack,
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        let back = m.requeue.then_some(Return::Released);
        self.refuse(channel, m.delivery_tag, m.multiple, back, basic::Nack::ID, out)
    }

    pub(super) fn reject(
        &mut self,
        channel: u16,
        m: basic::Reject,
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        let back = m.requeue.then_some(Return::Rejected);
        self.refuse(channel, m.delivery_tag, false, back, basic::Reject::ID, out)
    }

    fn refuse(
        &mut self,
        channel: u16,
        tag: u64,
        multiple: bool,
        back: Option<Return>,
        by: MethodId,
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        if self.channel_holds(channel) {
            let settlement = back.map_or(Settlement::Discard, Settlement::Return);
            return self.hold(channel, tag, multiple, settlement, by);
        }
        self.finish_batch(out);
        let slots = self.take_slots(channel, tag, multiple, by)?;
        self.check_returnable(channel, &slots, by)?;
        self.refuse_slots(channel, slots, back, if by == basic::Reject::ID { "reject" } else { "nack" });
        self.record();
        Ok(())
    }

    /// In a transaction settlements wait for the commit.
    fn channel_holds(&self, channel: u16) -> bool {
        matches!(self.channels.get(usize::from(channel)), Some(Some(open)) if matches!(open.mode, Mode::Transaction(_)))
    }

    fn hold(
        &mut self,
        channel: u16,
        tag: u64,
        multiple: bool,
        settlement: Settlement,
        by: MethodId,
    ) -> Result<(), ProtocolError> {
        let slots = self.take_slots(channel, tag, multiple, by)?;
        if !matches!(settlement, Settlement::Ack) {
            self.check_returnable(channel, &slots, by)?;
        }
        let bytes_max = self.broker.config().limits.transaction_bytes_max;
        let memory = self.vhost.memory().clone();
        if let Mode::Transaction(tx) = &mut self.channel(channel)?.mode {
            tx.held.add(slots.len() * size_of::<Slot>(), &memory);
            tx.settlements.extend(slots.into_iter().map(|slot| (slot, settlement)));
            if tx.held.bytes() > bytes_max {
                return Err(super::mode::transaction_too_large(channel, bytes_max));
            }
        }
        self.channel(channel)?.show_transaction();
        Ok(())
    }

    /// Refuses when some of the messages are a stream's, which never left it and cannot come back.
    fn check_returnable(&mut self, channel: u16, slots: &[Slot], by: MethodId) -> Result<(), ProtocolError> {
        let what = if by == basic::Recover::ID { "basic.recover" } else { "basic.nack and basic.reject" };
        let open = self.channel(channel)?;
        let mut queues = slots.iter().filter_map(|slot| open.queues.get(slot.queue as usize));
        match queues.find(|queue| queue.is_stream()) {
            Some(queue) => {
                let refused = Err(request::unsupported(queue, what)).or_refuse(channel);
                refused.map_err(|error: ProtocolError| error.caused_by(by))
            }
            None => Ok(()),
        }
    }

    fn take_slots(
        &mut self,
        channel: u16,
        tag: u64,
        multiple: bool,
        by: MethodId,
    ) -> Result<Vec<Slot>, ProtocolError> {
        let open = self.channel(channel)?;
        let mut slots = Vec::new();
        let known = if multiple {
            open.unacked.take_through(tag, |slot| slots.push(slot))
        } else {
            open.unacked.take(tag).map(|slot| slots.push(slot))
        };
        open.show_unacked();
        known.ok_or_else(|| unknown_tag(channel, tag, by))?;
        Ok(slots)
    }

    /// Takes slots out for good, or `back` to their queues; used directly and by `tx.commit`. What the store is to know is left with the recorder.
    /// `by`: what a trace calls it.
    pub(super) fn refuse_slots(
        &mut self,
        channel: u16,
        slots: Vec<Slot>,
        back: Option<Return>,
        by: &'static str,
    ) {
        let now_ms = self.now_ms;
        let Self { channels, recorder, trace, .. } = self;
        let Some(Some(open)) = channels.get_mut(usize::from(channel)) else { return };
        let consumed = slots.iter().filter(|slot| slot.consumer.is_some()).count() as u32;
        for (queue, slots) in by_queue(slots) {
            let queue = open.queues[queue as usize].clone();
            if let Some(trace) = trace {
                let ending = Ending::Refused { by, requeue: back.is_some() };
                slots.iter().for_each(|slot| trace.ended(channel, slot, &queue, ending));
            }
            let entries = slots.into_iter().map(Slot::into_entry);
            queue.record(recorder, |state, queue, outcome| match back {
                Some(why) => {
                    let returned = entries.map(|(settled, entry)| (settled, entry, why)).collect();
                    state.requeue(queue, returned, now_ms, outcome);
                }
                None => state.discard(queue, entries.collect(), now_ms, outcome),
            });
        }
        if let Some(limiter) = open.limiter.clone() {
            self.give_back(&limiter, consumed);
        }
    }

    pub(super) fn give_back(&mut self, limiter: &crate::limiter::ChannelLimiter, count: u32) {
        for (queue, consumer) in limiter.give_back(count) {
            queue.with(|state, queue, outcome| state.resume(queue, consumer, self.now_ms, outcome));
        }
    }

    /// `basic.recover`: everything unacked goes back to its queues. RabbitMQ does not redeliver to the same consumer
    /// (`requeue` false) and says 540.
    pub(super) fn recover(&mut self, channel: u16, requeue: bool) -> Result<(), ProtocolError> {
        if !requeue {
            return Err(ProtocolError::connection(ReplyCode::NotImplemented, "requeue=false"));
        }
        let mut slots = Vec::new();
        let open = self.channel(channel)?;
        open.unacked.take_through(0, |slot| slots.push(slot));
        open.show_unacked();
        self.check_returnable(channel, &slots, basic::Recover::ID)?;
        self.refuse_slots(channel, slots, Some(Return::Released), "recover");
        self.record();
        Ok(())
    }

    /// Settles taken slots as acknowledged.
    pub(super) fn ack_slots(&mut self, channel: u16, slots: Vec<Slot>) {
        let Self { channels, pending, trace, .. } = self;
        let Some(Some(open)) = channels.get_mut(usize::from(channel)) else { return };
        let mut consumed = 0;
        for slot in slots {
            consumed += u32::from(slot.consumer.is_some());
            let queue = &open.queues[slot.queue as usize];
            open.figures.of(queue.kind()).ack.add(1);
            if let Some(trace) = trace {
                trace.ended(channel, &slot, queue, Ending::Acked);
            }
            pending.settle(queue, slot.settled());
        }
        if let Some(limiter) = open.limiter.clone() {
            self.flush_queues();
            self.give_back(&limiter, consumed);
        }
    }
}

fn by_queue(slots: Vec<Slot>) -> Vec<(u32, Vec<Slot>)> {
    let mut groups: Vec<(u32, Vec<Slot>)> = Vec::new();
    for slot in slots {
        match groups.iter_mut().find(|(queue, _)| *queue == slot.queue) {
            Some((_, group)) => group.push(slot),
            None => groups.push((slot.queue, vec![slot])),
        }
    }
    groups
}

/// Requeues all that a closing channel had not settled. `why` is said of what its client may have seen.
pub(super) fn requeue_all(
    channel: u16,
    open: &mut Channel,
    why: Return,
    now_ms: u64,
    trace: Option<&SessionTrace>,
) {
    let mut slots = Vec::new();
    open.unacked.take_through(0, |slot| slots.push(slot));
    for (queue, slots) in by_queue(slots) {
        let queue = &open.queues[queue as usize];
        if let Some(trace) = trace {
            slots.iter().for_each(|slot| trace.ended(channel, slot, queue, Ending::Lost));
        }
        let returned = slots.into_iter().map(|slot| {
            let why = if slot.tag == UNWRITTEN { Return::Released } else { why };
            let (settled, entry) = slot.into_entry();
            (settled, entry, why)
        });
        let returned = returned.collect();
        queue.with(|state, queue, outcome| state.requeue(queue, returned, now_ms, outcome));
    }
}

fn unopened() -> ProtocolError {
    ProtocolError::connection(ReplyCode::ChannelError, "expected 'channel.open'")
}

fn unknown_tag(channel: u16, tag: u64, by: MethodId) -> ProtocolError {
    ProtocolError::channel(channel, ReplyCode::PreconditionFailed, format!("unknown delivery tag {tag}"))
        .caused_by(by)
}
