//! Keys in places that are used again: a claim looks once by the key, what follows finds it by its token, and nothing is allocated once
//! there are as many places as it takes.

use std::collections::VecDeque;

use hashbrown::HashTable;
use tokio::time::Instant;

/// Bytes of a key that a free place keeps for the next.
const KEY_KEPT_MAX: usize = 256;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Claimed,
    Done,
}

#[derive(Debug)]
struct Entry {
    key: String,
    hash: u64,
    /// Counts who had this place, and each claim of one key.
    generation: u32,
    /// `None`: the place is free.
    progress: Option<Progress>,
    until: Instant,
}

/// All keys, by hash and by token. A token is a place and its generation.
#[derive(Debug, Default)]
pub(super) struct Entries {
    places: Vec<Entry>,
    free: Vec<u32>,
    table: HashTable<u32>,
    /// Tokens of what was done, in the order in which it was.
    done: VecDeque<u64>,
}

fn token(place: u32, generation: u32) -> u64 {
    u64::from(generation) << 32 | u64::from(place)
}

impl Entries {
    /// The entry of a key: its token now, how far it is, and until when that holds.
    pub(super) fn find(&self, hash: u64, key: &str) -> Option<(u64, Progress, Instant)> {
        let same = |place: &u32| self.places.get(*place as usize).is_some_and(|entry| entry.key == key);
        let place = *self.table.find(hash, same)?;
        let entry = self.places.get(place as usize)?;
        Some((token(place, entry.generation), entry.progress?, entry.until))
    }

    /// A key that is not there, claimed.
    pub(super) fn insert(&mut self, hash: u64, key: &str, until: Instant) -> u64 {
        let place = self.free.pop().unwrap_or_else(|| {
            let none = Entry { key: String::new(), hash, generation: 0, progress: None, until };
            self.places.push(none);
            // Fewer than half of the numbers can be done, and whoever has claimed one is there to do it.
            (self.places.len() - 1) as u32
        });
        let Self { places, table, .. } = self;
        let Some(entry) = places.get_mut(place as usize) else { return u64::MAX };
        entry.key.clear();
        entry.key.push_str(key);
        (entry.hash, entry.until, entry.progress) = (hash, until, Some(Progress::Claimed));
        let token = token(place, entry.generation);
        table.insert_unique(hash, place, |place| places.get(*place as usize).map_or(0, |entry| entry.hash));
        token
    }

    fn entry(&mut self, token: u64) -> Option<&mut Entry> {
        let entry = self.places.get_mut(token as u32 as usize)?;
        (entry.progress.is_some() && entry.generation == (token >> 32) as u32).then_some(entry)
    }

    /// Whether the token is still its key's.
    pub(super) fn has(&mut self, token: u64) -> bool {
        self.entry(token).is_some()
    }

    /// Claimed anew, after a claim or a window that is over.
    pub(super) fn claim_again(&mut self, was: u64, until: Instant) -> u64 {
        let Some(entry) = self.entry(was) else { return u64::MAX };
        entry.generation = entry.generation.wrapping_add(1);
        (entry.until, entry.progress) = (until, Some(Progress::Claimed));
        token(was as u32, entry.generation)
    }

    /// Done, and remembered until then.
    pub(super) fn done(&mut self, token: u64, until: Instant) {
        let Some(entry) = self.entry(token) else { return };
        entry.until = until;
        if entry.progress.replace(Progress::Done) != Some(Progress::Done) {
            self.done.push_back(token);
        }
    }

    /// Not done; nothing happens if it is, or is another's by now.
    pub(super) fn release(&mut self, token: u64) {
        if self.entry(token).is_some_and(|entry| entry.progress == Some(Progress::Claimed)) {
            self.forget(token);
        }
    }

    /// Forgets what is over, and what is too much.
    pub(super) fn sweep(&mut self, now: Instant, done_max: usize) {
        while let Some(&oldest) = self.done.front() {
            let many = self.done.len() > done_max;
            if self.entry(oldest).is_some_and(|entry| entry.until > now) && !many {
                return;
            }
            self.forget(oldest);
            self.done.pop_front();
        }
    }

    fn forget(&mut self, token: u64) {
        let Some(entry) = self.entry(token) else { return };
        (entry.generation, entry.progress) = (entry.generation.wrapping_add(1), None);
        if entry.key.capacity() > KEY_KEPT_MAX {
            entry.key = String::new();
        }
        let (hash, place) = (entry.hash, token as u32);
        if let Ok(found) = self.table.find_entry(hash, |other| *other == place) {
            found.remove();
        }
        self.free.push(place);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.done.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn places_are_used_again_and_old_tokens_are_nobodys() {
        let (mut entries, now) = (Entries::default(), Instant::now());
        let later = now + Duration::from_secs(1);
        let first = entries.insert(7, "a", later);
        entries.release(first);
        let second = entries.insert(7, "b", later); // the same place and hash
        assert_eq!(entries.find(7, "a"), None);
        assert_eq!(entries.find(7, "b"), Some((second, Progress::Claimed, later)));
        assert!(!entries.has(first) && entries.has(second));
        entries.release(first);
        entries.done(first, later);
        assert_eq!((entries.len(), entries.remembered(), entries.places.len()), (1, 0, 1));
        entries.done(second, later);
        entries.done(second, later);
        entries.release(second);
        assert_eq!((entries.len(), entries.remembered()), (1, 1), "done once, and not given back");
        let again = entries.claim_again(second, later);
        entries.sweep(later, 10);
        assert_eq!(
            entries.find(7, "b"),
            Some((again, Progress::Claimed, later)),
            "what is claimed anew stays"
        );
        assert_eq!(entries.remembered(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_places_than_what_is_remembered_and_claimed() {
        let (mut entries, now) = (Entries::default(), Instant::now());
        for number in 0..1_000 {
            let key = number.to_string();
            let token = entries.insert(number % 16, &key, now);
            entries.done(token, now + Duration::from_secs(1));
            entries.sweep(now, 10);
        }
        assert_eq!((entries.len(), entries.places.len()), (10, 11));
        assert!((990..1_000).all(|number| entries.find(number % 16, &number.to_string()).is_some()));
        entries.sweep(now + Duration::from_secs(1), 10);
        assert_eq!((entries.len(), entries.free.len()), (0, 11));
    }
}
