//! What the connection's channels hold of a queue, for whoever asks.

use super::Session;
use crate::channel::unacked::Slot;
use crate::inspect::{AskUnacked, UnackedMessage};

impl Session {
    /// Answers with the messages of a queue that were given here and are not settled; of each channel the ones it holds longest.
    pub(super) fn tell_unacked(&self, ask: AskUnacked) {
        let unix_origin_ms = self.broker.clock().unix_ms() - self.broker.clock().now_ms();
        let mut found = Vec::new();
        for (number, channel) in self.channels.iter().enumerate() {
            let Some(channel) = channel else { continue };
            let Some(queue) = channel.queues.iter().position(|queue| queue.id() == ask.queue) else {
                continue;
            };
            let slots = channel.unacked.iter().filter(|slot| slot.queue as usize == queue);
            found.extend(slots.take(ask.messages_max).map(|slot| UnackedMessage {
                message: slot.message.clone(),
                redelivered: slot.redelivered,
                delivery_count: slot.past.delivery_count(),
                connection: self.negotiated.actor.connection,
                channel: number as u16,
                consumer_tag: self.tag_of(number, slot),
                delivery_tag: slot.tag,
                since_unix_ms: unix_origin_ms + slot.delivered_ms,
            }));
        }
        // Whoever asked may have gone.
        let _ = ask.answer.send(found);
    }

    fn tag_of(&self, channel: usize, slot: &Slot) -> Option<String> {
        let is_its = |entry: &&super::ConsumerEntry| {
            usize::from(entry.channel) == channel
                && Some(entry.id) == slot.consumer
                && entry.queue_number == slot.queue
        };
        let consumer = self.consumers.iter().flatten().find(is_its)?;
        Some(String::from_utf8_lossy(&consumer.tag).into_owned())
    }
}
