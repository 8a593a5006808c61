//! The differences that are known, each with its reason; `docs/compatibility.md` has them for users.

use crate::held::Entry;

/// A difference that is known. The script ends where it shows, because what comes after follows from it.
pub(crate) struct Known {
    pub(crate) name: &'static str,
    pub(crate) reason: &'static str,
    /// Whether it is this one: the step, RabbitMQ's lines that ours has not, ours that RabbitMQ has not.
    matches: fn(&str, &[&str], &[&str]) -> bool,
}

/// Headers that Leveret writes and RabbitMQ 3.10 does not: of dead letters, and of deliveries that came back to a quorum queue. They came
/// with RabbitMQ 4 or are ours, and are left out before anything is compared.
pub(crate) const OUR_HEADERS: [&str; 6] = [
    "x-last-death-exchange",
    "x-last-death-queue",
    "x-last-death-reason",
    "x-acquired-count",
    "x-first-failed-at",
    "x-last-failure",
];

pub(crate) const KNOWN: &[Known] = &[
    Known {
        name: "global prefetch on a quorum queue",
        reason: "the channel's limit counts messages of every type of queue; RabbitMQ answers 540",
        matches: |step, theirs, _| step.contains("basic.consume") && any(theirs, "540"),
    },
    Known {
        name: "RabbitMQ fails",
        reason: "what crashes a process of RabbitMQ (541) is taken, or refused with the reason",
        matches: |_, theirs, _| any(theirs, "reply_code: 541"),
    },
    Known {
        name: "consumers of quorum queues",
        reason: "who holds what it got from a quorum queue counts as a consumer in RabbitMQ",
        matches: |step, theirs, ours| {
            let declared = |lines: &[&str]| lines.len() == 1 && any(lines, "queue.declare-ok");
            step.contains("queue.declare") && declared(theirs) && declared(ours)
        },
    },
];

fn any(lines: &[&str], text: &str) -> bool {
    lines.iter().any(|line| line.contains(text))
}

/// Which known difference an entry shows.
pub(crate) fn which(entry: &Entry) -> Option<usize> {
    let (theirs, ours) = (entry.only(0), entry.only(1));
    KNOWN.iter().position(|known| (known.matches)(&entry.step, &theirs, &ours))
}
