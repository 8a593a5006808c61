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
        name: "deleting quorum queues on conditions",
        reason: "if-unused and if-empty hold for every type of queue; RabbitMQ answers 540",
        matches: |step, theirs, _| {
            step.contains("queue.delete") && any(theirs, "flag set are not supported by quorum queues")
        },
    },
    Known {
        name: "order of dead letters",
        reason: "what several queues send to one, or a dead letter and what is published meanwhile, comes in any order",
        matches: |_, theirs, ours| {
            let bodies = |lines: &[&str]| -> Vec<String> {
                let messages = lines
                    .iter()
                    .filter(|line| line.contains("basic.deliver") || line.contains("basic.get-ok"));
                messages.filter_map(|line| line.rsplit(' ').next().map(str::to_owned)).collect()
            };
            let (theirs_, ours_) = (bodies(theirs), bodies(ours));
            theirs_ != ours_ && !theirs_.is_empty() && (any(theirs, "x-death") != any(ours, "x-death"))
        },
    },
    Known {
        name: "requeued to a connection that closes",
        reason: "RabbitMQ closes channels one by one: what one held goes to a no-ack consumer of the next, and is lost",
        matches: |step, theirs, ours| {
            let counts = |lines: &[&str]| lines.iter().all(|line| line.contains("queue.declare-ok"));
            (step == "all connections are closed" || step.ends_with(" connection.close"))
                && counts(theirs)
                && counts(ours)
        },
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_differences_are_found_and_others_are_not() {
        let entry = |step: &str, theirs: &str, ours: &str| Entry {
            step: step.to_owned(),
            lines: [vec!["same".to_owned(), theirs.to_owned()], vec!["same".to_owned(), ours.to_owned()]],
        };
        let named = |entry: &Entry| which(entry).map(|known| KNOWN[known].name);
        let fails =
            entry("c0#1 queue.declare", "c0: connection.close reply_code: 541", "c0#1: queue.declare-ok");
        assert_eq!(named(&fails), Some("RabbitMQ fails"));
        let other =
            entry("c0#1 queue.declare", "c0#1: channel.close reply_code: 406", "c0#1: queue.declare-ok");
        assert_eq!(named(&other), None);
        let order =
            entry("c0#1 basic.get", "c0#1: basic.get-ok [x-death] 2 m1", "c0#1: basic.get-ok [] 2 m2");
        assert_eq!(named(&order), Some("order of dead letters"));
        let header =
            entry("c0#1 basic.get", "c0#1: basic.get-ok [x-death] 2 m1", "c0#1: basic.get-ok [] 2 m1");
        assert_eq!(named(&header), None);
    }
}
