//! How a workload of this suite is; different for each seed.

use leveret_client::{FieldTable, FieldValue, Message, Properties};
use leveret_store::disk::faulty::Dice;

/// Who drops duplicates, and by what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A queue, by the message's id.
    Ids,
    /// A queue, by its producer's number.
    Sequences,
    /// An exchange before two queues, by the message's id.
    Exchange,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) kind: Kind,
    /// `x-cache-size`.
    pub(super) window: usize,
    /// Messages with ids of their own.
    pub(super) messages: usize,
    /// Sent in one go, at most.
    pub(super) burst_max: u64,
    /// Bursts of one message.
    pub(super) single_permille: u64,
    /// After a burst everything is confirmed before the next.
    pub(super) wait_percent: u64,
    pub(super) consume_percent: u64,
    pub(super) repeat_percent: u64,
    pub(super) body_max: u64,
    /// Producers, when they number their messages.
    pub(super) producers: usize,
    pub(super) file_bytes: u32,
    /// Cuts in it.
    pub(super) cuts: u64,
}

impl Plan {
    pub(super) fn roll(seed: u64, dice: &mut Dice) -> Self {
        let kind = [Kind::Ids, Kind::Sequences, Kind::Ids, Kind::Exchange][(seed % 4) as usize];
        // One in three has so many batches in its window that what it leaves in the store is put together into pages.
        let long = dice.chance(35);
        let window = if long { 1200 + dice.below(500) } else { 60 + dice.below(300) };
        Self {
            kind,
            window: window as usize,
            messages: if long { window + 200 + dice.below(600) } else { 60 + dice.below(300) } as usize,
            burst_max: if dice.chance(30) { 12 } else { window / 4 },
            single_permille: if long { 996 } else { dice.below(800) },
            wait_percent: if long { 95 } else { 50 },
            consume_percent: dice.below(40),
            repeat_percent: dice.below(50),
            body_max: [20, 300, 3000][dice.below(3) as usize],
            producers: 1 + dice.below(5) as usize,
            file_bytes: [64, 64, 128][dice.below(3) as usize] * 1024,
            cuts: 50,
        }
    }

    pub(super) fn queues(&self) -> &'static [&'static str] {
        if self.kind == Kind::Exchange { &["q", "r"] } else { &["q"] }
    }

    /// Arguments of what drops duplicates.
    pub(super) fn arguments(&self) -> FieldTable {
        let mut arguments = FieldTable::new();
        arguments.insert("x-message-deduplication", true);
        arguments.insert("x-deduplication-header", "message-id");
        arguments.insert("x-cache-size", FieldValue::I64(self.window as i64));
        arguments
    }

    /// A message, the same however often it is sent.
    pub(super) fn message(&self, id: usize) -> Message {
        let properties = Properties { delivery_mode: Some(2), ..Properties::default() };
        let message = Message::new(self.body(id)).properties(properties);
        let message =
            if self.kind == Kind::Exchange { message.exchange("x") } else { message.routing_key("q") };
        if self.kind != Kind::Sequences {
            return message.message_id(format!("id {id}"));
        }
        message
            .header("x-producer-id", format!("producer {}", id % self.producers))
            .header("x-producer-sequence", FieldValue::I64((id / self.producers) as i64))
    }

    /// Its number and some bytes.
    pub(super) fn body(&self, id: usize) -> Vec<u8> {
        let len = 8 + Dice::new(id as u64).below(self.body_max) as usize;
        let mut body = vec![id as u8; len];
        body[..8].copy_from_slice(&(id as u64).to_le_bytes());
        body
    }
}
