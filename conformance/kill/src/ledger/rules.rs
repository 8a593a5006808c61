//! What must hold for a delivery at the moment it arrives.

use super::record::{Record, Settling, TxState};
use crate::client::Arrived;
use crate::message::Message;
use crate::topology::{DEAD_FROM, QueueNo, delivery_limit, keeps_order};

/// When and where it arrives.
pub(super) struct At<'a> {
    pub(super) generation: u16,
    pub(super) stored: &'a [u64],
    /// A consumer of the queue went in this generation.
    pub(super) disturbed: bool,
    /// How many consumers of the queue went since the last verdict, each perhaps with this message unread.
    pub(super) ends: u32,
    /// Highest sequence its publisher's first deliveries had at this consumer.
    pub(super) highest: Option<u64>,
}

type Problem = (&'static str, String);

/// All rules this delivery breaks; `record` is as it was before.
pub(super) fn arrival(
    record: &Record,
    tx: Option<TxState>,
    queue: QueueNo,
    message: &Message,
    arrived: &Arrived,
    at: At<'_>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut broken = |rule, text: String| problems.push((rule, text));
    let Some(copy) = record.copy(queue) else {
        broken("invented", "it was never sent to this queue".to_owned());
        return problems;
    };
    if record.message != *message {
        broken("other bytes than were sent", format!("{message:?} came, sent was {:?}", record.message));
    }
    match tx {
        Some(TxState::Open) => broken("invented", "its transaction was not committed".to_owned()),
        Some(TxState::RolledBack) => broken("invented", "its transaction was rolled back".to_owned()),
        _ => {}
    }
    if copy.certain {
        broken("settled for good, and came again", "it is settled on stable storage".to_owned());
    } else if copy.left_in(at.generation) {
        broken("settled, and came again", "it was settled in the same life of the broker".to_owned());
    } else if copy.settlement_stored(at.stored)
        && matches!(copy.settled, Some((Settling::Ack | Settling::Reject, _)))
    {
        let text = "the settlement was processed before a publishing that was confirmed";
        broken("settled for good, and came again", text.to_owned());
    }
    if copy.holder != 0 && copy.last == at.generation {
        broken("delivered twice at once", format!("consumer {} holds it", copy.holder));
    }
    if copy.deliveries > 0 && !arrived.redelivered {
        broken("a duplicate without the flag", format!("delivered {} times before", copy.deliveries));
    }
    let dead = queue >= DEAD_FROM;
    let fresh = record.generation == at.generation && !at.disturbed && !dead;
    if copy.deliveries == 0 && arrived.redelivered && fresh {
        broken("flagged without a reason", "its first delivery, in the life it was published in".to_owned());
    }
    let first = copy.deliveries == 0 || copy.last != at.generation;
    let put_back = arrived.redelivered && at.disturbed;
    if let Some(highest) = at.highest
        && first
        && keeps_order(queue)
        && !dead
        && !put_back
        && message.id.sequence < highest
    {
        let text = format!("sequence {} came after {highest} of the same publisher", message.id.sequence);
        broken("out of order", text);
    }
    let letter = record.copy(queue.saturating_add(DEAD_FROM));
    if letter.is_some_and(|letter| letter.settlement_stored(at.stored)) {
        broken("dead and alive", "its dead letter was settled on stable storage".to_owned());
    }
    if delivery_limit(queue).is_some() {
        problems.extend(delivery_count(record, queue, arrived, &at));
    }
    if dead {
        problems.extend(dead_letter(record, queue - DEAD_FROM, arrived, &at));
    }
    problems
}

/// The count rises with each requeue, is not lost once a requeue is stored, and no higher than there were reasons for.
fn delivery_count(record: &Record, queue: QueueNo, arrived: &Arrived, at: &At<'_>) -> Option<Problem> {
    let copy = record.copy(queue)?;
    let lives = u32::from(at.generation - record.generation);
    let most = copy.requeues + lives + at.ends;
    let kept = copy.last == at.generation || copy.settlement_stored(at.stored);
    let least = match copy.settled {
        Some((Settling::Requeue { counts: true }, _)) if kept => copy.count + 1,
        _ if kept => copy.count,
        _ => 0,
    };
    let count = arrived.delivery_count;
    (count < least || count > most)
        .then(|| ("a wrong delivery count", format!("{count}, but it must be between {least} and {most}")))
}

/// A dead letter needs a death, and its original must not live.
fn dead_letter(record: &Record, from: QueueNo, arrived: &Arrived, at: &At<'_>) -> Option<Problem> {
    let copy = record.copy(from)?;
    let reason = arrived.death.as_ref().map_or("", |(_, reason)| reason.as_str());
    let generation = at.generation;
    let lives = u32::from(generation - record.generation);
    let reasonable = match reason {
        "rejected" => copy.rejects > 0,
        "delivery_limit" => delivery_limit(from).is_some_and(|limit| copy.requeues + lives + at.ends > limit),
        _ => false,
    };
    if !reasonable {
        return Some(("a dead letter without a death", format!("its reason is '{reason}'")));
    }
    let died_now = matches!(copy.settled, Some((Settling::Reject | Settling::Requeue { .. }, when)) if when == generation);
    (copy.last == generation && !died_now).then(|| {
        ("dead and alive", "its original was delivered in this life and not rejected since".to_owned())
    })
}
