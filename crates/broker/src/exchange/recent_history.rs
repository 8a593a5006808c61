//! `x-recent-history`: to every binding, and the last messages also to whatever is bound later
//! (RabbitMQ, `rabbitmq_recent_history_exchange`).
//!
//! The history is in memory and bounded by number (`x-recent-history-length`) and bytes; it is charged to the broker's memory, and
//! ends with the exchange or the broker. A message whose header `x-recent-history-no-store` is true is left out.

use super::target::TargetSet;
use crate::erlang_term;
use crate::memory::MemoryGauge;
use crate::message::{ENTRY_OVERHEAD_BYTES, Message};
use crate::refusal::Refusal;
use leveret_protocol::{FieldTable, RawProperties, RawValue};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;

/// Messages kept when the declaration does not say how many.
const LENGTH_DEFAULT: usize = 20;
/// Bytes the messages of one history take at most; the newest stays even if it is larger.
const BYTES_MAX: usize = 16 * 1024 * 1024;

const LENGTH: &str = "x-recent-history-length";
const NO_STORE: &str = "x-recent-history-no-store";

#[derive(Debug)]
pub(crate) struct RecentHistoryRouter {
    pub(crate) targets: TargetSet,
    history: Arc<History>,
}

impl RecentHistoryRouter {
    /// # Errors
    /// 406 when the length is no number above zero.
    pub(crate) fn new(arguments: &FieldTable) -> Result<Self, Refusal> {
        let length_max = length_max(arguments)?;
        let history = Arc::new(History { length_max, kept: Mutex::default() });
        Ok(Self { targets: TargetSet::default(), history })
    }

    /// The history, which is to have a message with these properties.
    pub(crate) fn history_for(&self, properties: RawProperties<'_>) -> Option<&Arc<History>> {
        let mark = properties.headers().and_then(|headers| headers.get(NO_STORE));
        (!matches!(mark, Some(RawValue::Bool(true)))).then_some(&self.history)
    }

    pub(crate) fn history(&self) -> &Arc<History> {
        &self.history
    }
}

fn length_max(arguments: &FieldTable) -> Result<usize, Refusal> {
    let Some(value) = arguments.get(LENGTH) else { return Ok(LENGTH_DEFAULT) };
    match value.as_i64().and_then(|length| usize::try_from(length).ok()) {
        Some(length @ 1..) => Ok(length),
        _ => Err(Refusal::precondition(format!(
            "Invalid argument {}, '{LENGTH}' must be a positive integer",
            erlang_term::value(value)
        ))),
    }
}

/// All of its bytes: the queues that share them may be done with it long before.
fn cost(message: &Message) -> usize {
    let shared = message.charge() - ENTRY_OVERHEAD_BYTES;
    shared * (message.copies().max(1) as usize) + ENTRY_OVERHEAD_BYTES
}

/// The last messages of one exchange.
#[derive(Debug)]
pub(crate) struct History {
    length_max: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// The oldest first.
    messages: VecDeque<Message>,
    bytes: usize,
    gauge: Option<Arc<MemoryGauge>>,
    ended: bool,
}

impl History {
    /// Keeps a message, charged to the gauge.
    pub(crate) fn keep(&self, message: Message, gauge: &Arc<MemoryGauge>) {
        let mut kept = self.kept.lock();
        if kept.ended {
            return;
        }
        let before = kept.bytes;
        kept.bytes += cost(&message);
        kept.messages.push_back(message);
        while kept.messages.len() > self.length_max || (kept.bytes > BYTES_MAX && kept.messages.len() > 1) {
            let Some(oldest) = kept.messages.pop_front() else { break };
            kept.bytes -= cost(&oldest);
        }
        gauge.charge(kept.bytes as i64 - before as i64);
        kept.gauge.get_or_insert_with(|| gauge.clone());
    }

    /// The messages, the oldest first.
    pub(crate) fn messages(&self) -> Vec<Message> {
        self.kept.lock().messages.iter().cloned().collect()
    }
}

/// The exchange is gone; a connection that looked a route up may still refer to what it kept.
impl Drop for RecentHistoryRouter {
    fn drop(&mut self) {
        let mut kept = self.history.kept.lock();
        if let Some(gauge) = kept.gauge.take() {
            gauge.charge(-(kept.bytes as i64));
        }
        *kept = Kept { ended: true, ..Kept::default() };
    }
}

#[cfg(test)]
mod tests;
