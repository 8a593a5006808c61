//! Makes a script that differs shorter: steps are left out as long as it still does.

use crate::held::{Entry, Held, hold};
use crate::known;
use crate::script::Step;
use leveret_dialogues::Target;
use std::time::{Duration, Instant};

/// How long steps may take to come to agree while steps are left out.
const PATIENCE: Duration = Duration::from_millis(700);

/// A script as short as was found until `until`, and how it went.
pub(crate) fn shrink(
    script: &[Step],
    held: Held,
    targets: &[Target; 2],
    until: Option<Instant>,
) -> (Vec<Step>, Held) {
    let (mut script, mut held) = (script.to_vec(), held);
    let kind = held.entries.last().map(Entry::kind).unwrap_or_default();
    let mut size = script.len().div_ceil(2);
    while size > 0 {
        let mut at = 0;
        while at < script.len() {
            if until.is_some_and(|until| Instant::now() > until) {
                return (script, held);
            }
            let mut shorter = script.clone();
            shorter.drain(at..(at + size).min(script.len()));
            let tried = hold(&shorter, targets, PATIENCE);
            let same = |entry: &Entry| known::which(entry).is_none() && entry.kind() == kind;
            if tried.differs && tried.entries.last().is_some_and(same) {
                (script, held) = (shorter, tried);
            } else {
                at += size;
            }
        }
        size /= 2;
    }
    (script, held)
}
