//! Makes a script that differs shorter: steps are left out as long as it still does.

use crate::held::{Held, hold};
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
    // (What comes after the difference had no part in it.)
    let (mut script, mut held) = (script.to_vec(), held);
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
            if tried.differs && tried.entries.last().is_some_and(|entry| known::which(entry).is_none()) {
                (script, held) = (shorter, tried);
            } else {
                at += size;
            }
        }
        size /= 2;
    }
    (script, held)
}
