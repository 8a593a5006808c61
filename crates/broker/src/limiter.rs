//! The channel-wide prefetch limit: `basic.qos` with `global`, as RabbitMQ reads it.
//!
//! All consumers of a channel share it, whatever queues they read. A consumer that finds it used up is noted and put back in
//! its queue's line when one of the channel's messages is settled. Source: RabbitMQ, "Consumer Prefetch".

use crate::queue::{ConsumerId, Queue};
use parking_lot::Mutex;
use std::sync::Arc;

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct ChannelLimiter {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// 0 is no limit.
    limit: u32,
    unacked: u32,
    waiting: Vec<(Arc<Queue>, ConsumerId)>,
}

/// Consumers to put back in line.
pub(crate) type Resumable = Vec<(Arc<Queue>, ConsumerId)>;

impl ChannelLimiter {
    /// Counts one more unacked message, or notes the consumer as waiting and says `false`.
    pub(crate) fn take(&self, queue: &Arc<Queue>, consumer: ConsumerId) -> bool {
        let mut inner = self.inner.lock();
        if inner.limit != 0 && inner.unacked >= inner.limit {
            inner.waiting.push((queue.clone(), consumer));
            return false;
        }
        inner.unacked += 1;
        true
    }

    /// Counts settled messages; returns who may go on. Resume them without holding a queue's lock.
    pub(crate) fn give_back(&self, count: u32) -> Resumable {
        let mut inner = self.inner.lock();
        inner.unacked = inner.unacked.saturating_sub(count);
        if inner.limit != 0 && inner.unacked >= inner.limit {
            return Vec::new();
        }
        std::mem::take(&mut inner.waiting)
    }

    /// What was unacked before the channel had a limit.
    pub(crate) fn start_with(&self, unacked: u32) {
        self.inner.lock().unacked = unacked;
    }

    /// Sets the limit (0: none); returns who may go on.
    pub(crate) fn set(&self, limit: u32) -> Resumable {
        let mut inner = self.inner.lock();
        inner.limit = limit;
        std::mem::take(&mut inner.waiting)
    }
}
