//! An open transaction: what it would do, held until commit. Messages it settles stay unacked until then.

use crate::memory::MemoryGauge;
use crate::message::Message;
use crate::queue::Queue;
use crate::queue::past::Return;
use std::sync::Arc;

/// Bytes charged to the broker's memory until this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Held {
    bytes: usize,
    gauge: Option<Arc<MemoryGauge>>,
}

impl Held {
    /// Holds more.
    pub(crate) fn add(&mut self, bytes: usize, gauge: &Arc<MemoryGauge>) {
        self.bytes += bytes;
        gauge.charge(bytes as i64);
        self.gauge.get_or_insert_with(|| gauge.clone());
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(gauge) = &self.gauge {
            gauge.charge(-(self.bytes as i64));
        }
    }
}

/// A settlement as the client sent it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Settlement {
    Ack,
    /// Refused for good.
    Discard,
    Return(Return),
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct Transaction {
    pub(crate) publishings: Vec<(Message, Vec<Arc<Queue>>)>,
    /// Mandatory publishings that no queue takes; they go back at commit.
    pub(crate) returns: Vec<Message>,
    /// Messages to settle, taken out of the channel's unacked ones so that no tag is settled twice.
    pub(crate) settlements: Vec<(super::unacked::Slot, Settlement)>,
    /// What it holds, also charged to the broker's memory while it does.
    pub(crate) held: Held,
    /// A queue refused a publishing while it was committed.
    pub(crate) refused: bool,
}
