//! Which messages are followed.

use crate::message::Message;
use crate::queue::select::Filter;
use crate::trace::context;
use leveret_protocol::{RawTable, RawValue};

/// Messages of a virtual host: those of which everything holds that is said here. A dead letter is what it was: exchanges, routing keys and
/// queues of its history (`x-death`) count as its own, so that it stays the same message on its way.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Subject {
    /// Messages that come into this queue, are there or were there.
    pub queue: Option<String>,
    /// Messages of this trace: the trace id in their header `traceparent`.
    pub trace_id: Option<[u8; 16]>,
    /// What holds of the message itself.
    pub filter: Filter,
}

impl Subject {
    /// Whether a message is meant that is at these queues.
    pub(super) fn matches<'q>(&self, message: &Message, mut queues: impl Iterator<Item = &'q str>) -> bool {
        if let Some(wanted) = self.queue.as_deref() {
            let was_there = || deaths(message).any(|death| text(death, "queue") == Some(wanted.as_bytes()));
            if !queues.any(|queue| queue == wanted) && !was_there() {
                return false;
            }
        }
        if let Some(wanted) = &self.trace_id {
            let parent = context::find(message.properties()).and_then(Result::ok);
            if parent.is_none_or(|parent| parent.trace_id != *wanted) {
                return false;
            }
        }
        self.filter.matches(message)
            || deaths(message).any(|death| {
                let Some(RawValue::Array(keys)) = death.get("routing-keys") else { return false };
                let exchange = text(death, "exchange").unwrap_or_default();
                keys.iter().map_while(Result::ok).any(|key| match key {
                    RawValue::LongString(key) => self.filter.matches_as(message, exchange, key),
                    _ => false,
                })
            })
    }
}

fn deaths(message: &Message) -> impl Iterator<Item = RawTable<'_>> {
    let history = match message.properties().headers().and_then(|headers| headers.get("x-death")) {
        Some(RawValue::Array(history)) => Some(history),
        _ => None,
    };
    history.into_iter().flat_map(|history| history.iter().map_while(Result::ok)).filter_map(|death| {
        match death {
            RawValue::Table(death) => Some(death),
            _ => None,
        }
    })
}

fn text<'t>(table: RawTable<'t>, name: &str) -> Option<&'t [u8]> {
    match table.get(name)? {
        RawValue::LongString(text) => Some(text),
        _ => None,
    }
}
