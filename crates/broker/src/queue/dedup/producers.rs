//! Producers that number their messages: the sequence each is expected to send next, in place of an id for every message.
//!
//! A sequence below that is a duplicate, unless the message was refused: then it may come again. Gaps are let through and counted.
//! In doubt a duplicate is let in rather than a message lost.

use std::collections::HashMap;

/// Producers remembered at a time; when there are more, those that were silent longest are forgotten.
pub(crate) const PRODUCERS_MAX: usize = 65_536;
/// How long a producer may be silent before it is forgotten: a day, in milliseconds.
pub(crate) const IDLE_MS: u64 = 24 * 3600 * 1000;
/// Sequences of one producer that were refused and did not come again.
const REFUSED_MAX: usize = 64;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Producer {
    pub(super) next: u64,
    pub(super) used_unix_ms: u64,
    /// In order.
    pub(super) refused: Vec<u64>,
    /// From and through: too many were refused here to name them, so none of these is taken for a duplicate.
    pub(super) open: Option<(u64, u64)>,
}

impl Producer {
    fn is_open(&self, sequence: u64) -> bool {
        self.refused.binary_search(&sequence).is_ok()
            || self.open.is_some_and(|(from, through)| (from..=through).contains(&sequence))
    }
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub(super) struct Producers(HashMap<u128, Producer, foldhash::fast::RandomState>);

impl Producers {
    pub(super) fn get(&self, hash: u128) -> Option<&Producer> {
        self.0.get(&hash)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    fn known(&self, hash: u128, now_unix_ms: u64) -> Option<&Producer> {
        self.0.get(&hash).filter(|producer| producer.used_unix_ms + IDLE_MS > now_unix_ms)
    }

    /// Whether a message of this sequence came before.
    pub(super) fn is_duplicate(&self, hash: u128, sequence: u64, now_unix_ms: u64) -> bool {
        let producer = self.known(hash, now_unix_ms);
        producer.is_some_and(|producer| sequence < producer.next && !producer.is_open(sequence))
    }

    /// A message was taken. Says whether sequences were left out before it.
    pub(super) fn take(&mut self, hash: u128, sequence: u64, now_unix_ms: u64) -> bool {
        let is_known = self.known(hash, now_unix_ms).is_some();
        let producer = self.0.entry(hash).or_default();
        if !is_known {
            *producer = Producer::default();
        }
        let gap = is_known && sequence > producer.next;
        if let Ok(at) = producer.refused.binary_search(&sequence) {
            producer.refused.remove(at);
        }
        producer.next = producer.next.max(sequence.saturating_add(1));
        producer.used_unix_ms = now_unix_ms;
        gap
    }

    /// A message that was no duplicate was refused: it may come again, behind later ones.
    pub(super) fn refuse(&mut self, hash: u128, sequence: u64, now_unix_ms: u64) {
        if self.known(hash, now_unix_ms).is_none() {
            self.0
                .insert(hash, Producer { next: sequence, used_unix_ms: now_unix_ms, ..Producer::default() });
        }
        let Some(producer) = self.0.get_mut(&hash) else { return };
        if let Err(at) = producer.refused.binary_search(&sequence) {
            producer.refused.insert(at, sequence);
        }
        if let [from, .., through] = *producer.refused
            && producer.refused.len() > REFUSED_MAX
        {
            let (low, high) = producer.open.unwrap_or((from, through));
            producer.open = Some((low.min(from), high.max(through)));
            producer.refused.clear();
        }
    }

    /// Takes over what was stored.
    pub(super) fn restore(&mut self, hash: u128, producer: Producer) {
        self.0.insert(hash, producer);
    }

    /// Forgets those that were silent too long, and if there are still too many, an eighth of them. Returns who went.
    pub(super) fn tidy(&mut self, now_unix_ms: u64) -> Vec<u128> {
        let mut gone: Vec<u128> =
            self.0.extract_if(|_, p| p.used_unix_ms + IDLE_MS <= now_unix_ms).map(|(hash, _)| hash).collect();
        if self.0.len() > PRODUCERS_MAX {
            let mut all: Vec<_> = self.0.iter().map(|(hash, p)| (p.used_unix_ms, *hash)).collect();
            all.sort_unstable();
            for (_, hash) in &all[..all.len() - PRODUCERS_MAX * 7 / 8] {
                self.0.remove(hash);
                gone.push(*hash);
            }
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_are_taken_once_and_refused_ones_again() {
        let mut producers = Producers::default();
        assert!(!producers.take(1, 5, 0), "the first sequence is as good as any");
        assert!(producers.is_duplicate(1, 5, 0) && producers.is_duplicate(1, 1, 0));
        assert!(!producers.is_duplicate(1, 6, 0) && !producers.is_duplicate(2, 5, 0));
        producers.refuse(1, 6, 0);
        assert!(producers.take(1, 7, 0), "6 is missing");
        assert!(!producers.is_duplicate(1, 6, 0) && producers.is_duplicate(1, 7, 0));
        assert!(!producers.take(1, 6, 0));
        assert!(producers.is_duplicate(1, 6, 0) && !producers.is_duplicate(1, 8, 0));
        producers.refuse(3, 1, 0);
        producers.take(3, 2, 0);
        assert!(!producers.is_duplicate(3, 1, 0), "the first of all was refused");
        assert!(!producers.take(4, u64::MAX, 0) && producers.is_duplicate(4, 3, 0));
    }

    /// The accident to avoid: a refused message that is sent again is confirmed and dropped.
    #[test]
    fn when_too_many_were_refused_duplicates_are_let_in_rather_than_messages_lost() {
        let mut producers = Producers::default();
        producers.take(1, 0, 0);
        for sequence in 1..=REFUSED_MAX as u64 + 1 {
            producers.refuse(1, sequence, 0);
            producers.take(1, sequence + 1000, 0);
        }
        assert!((1..=REFUSED_MAX as u64 + 1).all(|sequence| !producers.is_duplicate(1, sequence, 0)));
    }

    #[test]
    fn the_silent_are_forgotten_and_there_are_never_too_many() {
        let mut producers = Producers::default();
        producers.take(0, 9, 0);
        producers.take(1, 9, 1);
        assert!(producers.is_duplicate(0, 9, IDLE_MS - 1) && !producers.is_duplicate(0, 9, IDLE_MS));
        assert_eq!(producers.tidy(IDLE_MS), [0]);
        for hash in 0..=PRODUCERS_MAX as u128 {
            producers.take(hash, 1, IDLE_MS + hash as u64);
        }
        assert_eq!(producers.tidy(IDLE_MS).len(), PRODUCERS_MAX / 8 + 1);
        assert!(producers.get(0).is_none() && producers.get(PRODUCERS_MAX as u128).is_some());
        assert_eq!(producers.len(), PRODUCERS_MAX * 7 / 8);
    }
}
