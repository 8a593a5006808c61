//! Messages that the target has and the source may still have: which of what is read was moved before. Pure.
//!
//! A batch is stored before it is acknowledged. When the acknowledgement, or its answer, is lost with a connection, the batch either comes
//! back to the head at once (`batch` knows it there), or was acknowledged after all, or stays with a consumer that is no more (of a node that is
//! away, of a connection that only its client knows to be dead) or waits for its next attempt, and comes back whenever it likes. The last
//! two cannot be told from the second; so such a batch is remembered as missing, in the marker, until it comes back or the queue is done with.

use super::batch::{Resumed, Seen, resumed};
use super::sums::Digest;

/// Batches that are remembered at most; before an older one is forgotten its messages are counted as perhaps to come twice.
const BATCHES_MAX: usize = 8;

/// A batch that was stored, and did not come back when it should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Missing {
    pub(super) digests: Vec<Digest>,
    /// The target had not been started anew since.
    pub(super) is_certain: bool,
}

/// What is known of a message that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// It was not moved yet.
    New,
    /// The target has it.
    Stored,
    /// The target may have it.
    Unsure,
}

/// What may come back, as far as one run knows.
#[derive(Debug)]
pub(super) struct Returns {
    /// What is expected at the head.
    at_head: Vec<Digest>,
    is_certain: bool,
    /// The source was asked how much it holds.
    is_weighed: bool,
}

impl Returns {
    /// After the batch `last`. `is_certain`: the target has not been started anew since.
    pub(super) fn new(last: &[Digest], is_certain: bool) -> Returns {
        Returns { at_head: last.to_vec(), is_certain, is_weighed: false }
    }

    /// Whether something is expected at the head.
    pub(super) fn is_at_head(&self) -> bool {
        !self.at_head.is_empty()
    }

    /// Whether it matters how much the source holds.
    pub(super) fn is_open(&self, missing: &[Missing]) -> bool {
        !self.is_weighed && !missing.is_empty()
    }

    /// What was expected at the head is not there.
    ///
    /// Returns messages that may come twice because there is no room to remember them.
    pub(super) fn is_missing(&mut self, missing: &mut Vec<Missing>) -> u64 {
        let (digests, is_certain) = (std::mem::take(&mut self.at_head), self.is_certain);
        missing.extend((!digests.is_empty()).then_some(Missing { digests, is_certain }));
        let over = missing.len().saturating_sub(BATCHES_MAX);
        missing.drain(..over).map(|forgotten| forgotten.digests.len() as u64).sum()
    }

    /// What is known of each message of a batch; what came back is no longer missing. `held`: what the source held when it was asked just
    /// before the batch was read, with consumers or waiting. And messages that may come twice because there is no room to remember them.
    pub(super) fn known(
        &mut self,
        missing: &mut Vec<Missing>,
        batch: &[Seen],
        held: Option<u64>,
    ) -> (Vec<Known>, u64) {
        let mut known = vec![Known::New; batch.len()];
        let mut forgotten = 0;
        if self.is_at_head() {
            let found = resumed(&self.at_head, batch, self.is_certain);
            known[..found.stored].fill(Known::Stored);
            known[..found.unsure].fill(Known::Unsure);
            if found == Resumed::default() {
                forgotten = self.is_missing(missing);
            } else {
                self.at_head.drain(..self.at_head.len() - found.more);
            }
        }
        for lost in missing.iter_mut() {
            let came = lost.as_a_whole(batch, &mut known);
            // A lost batch stays with its consumer as a whole: where there are fewer, they are others' and it was acknowledged.
            if let Some(held) = held
                && !came
                && lost.count(batch, &known) + held < lost.digests.len() as u64
            {
                lost.digests.clear();
            }
            if self.is_weighed || held.is_some() {
                lost.one_by_one(batch, &mut known);
            }
        }
        self.is_weighed |= held.is_some();
        missing.retain(|lost| !lost.digests.is_empty());
        (known, forgotten)
    }
}

impl Missing {
    fn mark(&self) -> Known {
        if self.is_certain { Known::Stored } else { Known::Unsure }
    }

    /// How many messages of a batch could be of it.
    fn count(&self, batch: &[Seen], known: &[Known]) -> u64 {
        let mut known = known.to_vec();
        let mut lost = self.clone();
        lost.one_by_one(batch, &mut known);
        (self.digests.len() - lost.digests.len()) as u64
    }

    /// The source holds as many messages: each that comes back counts, in whatever order (they may have waited for different times).
    fn one_by_one(&mut self, batch: &[Seen], known: &mut [Known]) {
        for (seen, known) in batch.iter().zip(known) {
            if *known == Known::New
                && seen.is_redelivered
                && let Some(at) = self.digests.iter().position(|digest| *digest == seen.digest)
            {
                self.digests.remove(at);
                *known = self.mark();
            }
        }
    }

    /// It is not known how much the source holds: they count when they come back side by side, all of them or up to the batch's end.
    fn as_a_whole(&mut self, batch: &[Seen], known: &mut [Known]) -> bool {
        for from in 0..batch.len() {
            let there = batch[from..].iter().zip(&known[from..]);
            let same = there.zip(&self.digests).take_while(|((seen, known), digest)| {
                **known == Known::New && seen.is_redelivered && seen.digest == **digest
            });
            let count = same.count();
            if count > 0 && (count == self.digests.len() || from + count == batch.len()) {
                known[from..from + count].fill(self.mark());
                self.digests.drain(..count);
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digests(text: &str) -> Vec<Digest> {
        text.bytes().map(|byte| [byte; 32]).collect()
    }

    /// Upper case: marked as redelivered.
    fn batch(text: &str) -> Vec<Seen> {
        let of = |byte: u8| Seen {
            digest: [byte.to_ascii_lowercase(); 32],
            is_redelivered: byte.is_ascii_uppercase(),
        };
        text.bytes().map(of).collect()
    }

    fn words(known: &[Known]) -> String {
        let word = |known: &Known| match known {
            Known::New => '-',
            Known::Stored => 's',
            Known::Unsure => 'u',
        };
        known.iter().map(word).collect()
    }

    /// The accident: messages that had stayed with a consumer of a lost node came back behind others, and were moved a second time.
    #[test]
    fn what_comes_back_late_is_known_again() {
        for (last, held, batches) in [
            // At the head, as ever.
            ("abc", None, vec![("ABCde", "sss--")]),
            // Behind others.
            ("abc", None, vec![("defg", "----"), ("hABCi", "-sss-"), ("ABC", "---")]),
            // Divided by the end of a batch.
            ("abc", None, vec![("de", "--"), ("fAB", "-ss"), ("Cg", "s-")]),
            // Never delivered before, or others that were.
            ("abc", None, vec![("de", "--"), ("abc", "---"), ("ACx", "---"), ("ABx", "---")]),
            ("ttt", None, vec![("de", "--"), ("Ttx", "---")]),
            // The source holds as many: in any order, each once.
            ("abc", Some(3), vec![("de", "--"), ("CfA", "s-s"), ("AcB", "--s")]),
            // Some of them had come back when it was asked.
            ("abc", Some(1), vec![("de", "--"), ("CAf", "ss-"), ("gB", "-s")]),
            // All of them.
            ("abc", Some(0), vec![("de", "--"), ("ABCf", "sss-")]),
            ("abc", Some(0), vec![("de", "--"), ("fAB", "-ss"), ("C", "s")]),
            // It holds fewer: they were acknowledged, and these are others'.
            ("abc", Some(0), vec![("de", "--"), ("CAf", "---"), ("ABC", "---")]),
            ("ttt", Some(1), vec![("de", "--"), ("Tx", "--"), ("TTT", "---")]),
        ] {
            let mut returns = Returns::new(&digests(last), true);
            let mut missing = Vec::new();
            for (at, (text, expected)) in batches.into_iter().enumerate() {
                // It is asked before the second batch.
                let held = held.filter(|_| at == 1);
                assert!(held.is_none() || returns.is_open(&missing));
                let (known, forgotten) = returns.known(&mut missing, &batch(text), held);
                assert_eq!((words(&known).as_str(), forgotten), (expected, 0), "{last} {held:?} {text}");
            }
            assert!(!returns.is_at_head());
        }
    }

    #[test]
    fn of_a_target_that_was_started_anew_nothing_is_certain() {
        let mut returns = Returns::new(&digests("ab"), false);
        let mut missing = Vec::new();
        assert_eq!(words(&returns.known(&mut missing, &batch("xy"), None).0), "--");
        assert_eq!(words(&returns.known(&mut missing, &batch("xAB"), None).0), "-uu");
        assert!(missing.is_empty());
    }

    #[test]
    fn what_is_remembered_is_bounded_and_what_is_forgotten_counted() {
        let mut missing = Vec::new();
        for n in 0..=BATCHES_MAX {
            let mut returns = Returns::new(&digests("abc")[..1 + n % 2], true);
            assert_eq!(returns.is_missing(&mut missing), u64::from(n == BATCHES_MAX));
        }
        assert_eq!(missing.len(), BATCHES_MAX);
        assert_eq!(Returns::new(&[], true).is_missing(&mut missing), 0);
    }
}
