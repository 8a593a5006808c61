//! Consumers, as their queues see them.

use crate::queue::Queue;
use leveret_protocol::FieldTable;

/// Who consumes from a queue.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ConsumerInfo {
    /// Its tag.
    pub consumer_tag: String,
    /// The number of its connection; see [`ConnectionInfo::id`](super::ConnectionInfo::id).
    pub connection: u64,
    /// Its channel.
    pub channel: u16,
    /// It acknowledges nothing.
    pub no_ack: bool,
    /// It wants to be the only one.
    pub exclusive: bool,
    /// Unacked messages it may hold; 0 is no limit.
    pub prefetch_count: u16,
    /// Unacked messages it holds.
    pub unacked: u32,
    /// `x-priority`.
    pub priority: i32,
    /// It may be given messages: `false` while another is the single active consumer.
    pub active: bool,
    /// Its queue has a single active consumer (`x-single-active-consumer`), which it is if `active`.
    pub single_active: bool,
    /// Arguments of `basic.consume`.
    pub arguments: FieldTable,
}

impl Queue {
    /// Its consumers, in no particular order.
    #[must_use]
    pub fn consumers(&self) -> Vec<ConsumerInfo> {
        let mut all = Vec::new();
        let state = self.lock();
        let single_active = state.settings().single_active_consumer;
        state.each_consumer(|subscription, unacked, active| {
            all.push(ConsumerInfo {
                consumer_tag: String::from_utf8_lossy(&subscription.origin.tag).into_owned(),
                connection: subscription.origin.connection,
                channel: subscription.origin.channel,
                no_ack: subscription.no_ack,
                exclusive: subscription.exclusive,
                prefetch_count: subscription.prefetch,
                unacked,
                priority: subscription.priority,
                active,
                single_active,
                arguments: subscription.origin.arguments.as_deref().cloned().unwrap_or_default(),
            })
        });
        all
    }
}
