//! Whether a store holds exactly what a model says.

use crate::model::{Message, Model};
use crate::observe::{Observed, Seen};

use leveret_store::{History, LaneId, Recovered};
use std::collections::BTreeMap;

/// The first difference between what was read and the model.
#[must_use]
pub fn messages(observed: &Observed, model: &Model) -> Option<String> {
    if observed.unreadable > 0 {
        return Some(format!("{} messages are said to be unreadable", observed.unreadable));
    }
    let mut seen = observed.messages.iter().peekable();
    for (number, queue) in &model.queues {
        for (position, message) in &queue.messages {
            let place = format_args!("queue {number} lane {} position {position}", message.lane);
            let Some(next) = seen.peek() else { return Some(format!("{place} is lost")) };
            if (next.queue, next.position) > (*number, *position) {
                return Some(format!("{place} is lost"));
            }
            if (next.queue, next.position) < (*number, *position) {
                return Some(extra(next));
            }
            if let Some(what) = message_differs(observed, next, message, queue.flags(*position, message)) {
                return Some(format!("{place} {what}"));
            }
            seen.next();
        }
    }
    seen.next().map(extra)
}

fn extra(seen: &Seen) -> String {
    format!("queue {} lane {} position {} should not be there", seen.queue, seen.lane, seen.position)
}

fn message_differs(
    observed: &Observed,
    seen: &Seen,
    message: &Message,
    flags: (History, bool),
) -> Option<String> {
    if seen.lane != message.lane {
        return Some(format!("is in lane {}", seen.lane));
    }
    if observed.payload(seen) != &*message.payload {
        return Some(format!("has other bytes ({} of them, not {})", seen.len(), message.payload.len()));
    }
    if seen.expires_unix_ms != message.expires_unix_ms {
        return Some(format!("expires at {}, not {}", seen.expires_unix_ms, message.expires_unix_ms));
    }
    if (seen.history, seen.redelivered) != flags {
        return Some(format!(
            "has history {:?} and redelivered {}, not {:?} and {}",
            seen.history, seen.redelivered, flags.0, flags.1
        ));
    }
    None
}

/// The first difference between what a start reports and the model.
#[must_use]
pub fn recovered(recovered: &Recovered, model: &Model) -> Option<String> {
    let keys = recovered.definitions.iter().map(|(key, value)| (&**key, &**value));
    if !keys.eq(model.definitions.iter().map(|(key, value)| (&**key, &**value))) {
        let names = |keys: Vec<&[u8]>| {
            keys.into_iter().map(|k| String::from_utf8_lossy(k).into_owned()).collect::<Vec<_>>().join(" ")
        };
        return Some(format!(
            "definitions are {}, not {} (or differ in a value)",
            names(recovered.definitions.iter().map(|(key, _)| &**key).collect()),
            names(model.definitions.keys().map(|key| &**key).collect())
        ));
    }
    if recovered.queue_max < model.queue_max {
        return Some(format!("the highest queue is {}, not {}", recovered.queue_max, model.queue_max));
    }
    let mut lanes: BTreeMap<LaneId, (u64, u64, u64, u64)> = BTreeMap::new();
    let estimated = |id: LaneId| {
        let marks = model.queues.get(&id.queue).and_then(|queue| queue.marks.get(&id.lane));
        marks.is_some_and(|marks| marks.estimated)
    };
    for (queue, entry) in &model.queues {
        for (position, message) in &entry.messages {
            let lane =
                lanes.entry(LaneId { queue: *queue, lane: message.lane }).or_insert((0, 0, *position, 0));
            *lane = (lane.0 + 1, lane.1 + u64::from(message.weight), lane.2, *position);
        }
    }
    for lane in &recovered.lanes {
        let id = LaneId { queue: lane.queue, lane: lane.lane };
        let mut is = (lane.messages, lane.weight, lane.first, lane.last);
        if let Some(should) = lanes.get(&id).filter(|_| estimated(id)) {
            is.1 = should.1;
        }
        match lanes.remove(&id) {
            None if lane.messages == 0 => {}
            None => {
                return Some(format!(
                    "{id:?} should be empty, and has {is:?} (messages, weight, first, last)"
                ));
            }
            Some(should) if (is.0, is.1, is.2) != (should.0, should.1, should.2) || is.3 < should.3 => {
                return Some(format!("{id:?} has {is:?}, not {should:?} (messages, weight, first, last)"));
            }
            Some(_) => {}
        }
    }
    lanes
        .first_key_value()
        .map(|(id, should)| format!("{id:?} is missing: {should:?} (messages, weight, first, last)"))
}
