//! Ids seen lately, as hashes, bounded by number and by time: about 30 bytes for each, whatever the ids look like.
//!
//! A ring of hashes in the order in which they came, in chunks so that it grows and shrinks without being copied, and a hash table
//! of places in the ring. The table is in shards that grow one by one: no publishing waits for all of it to be rebuilt.
//!
//! The table's buckets count the entries that went past them because they were full, so that taking one out needs no markers.

use std::collections::VecDeque;

/// Of a size that allocators give without much waste: 8,064 bytes.
const CHUNK: usize = 384;
const SHARDS: usize = 256;
/// A bucket is one cache line.
const SLOTS: usize = 12;
/// Where its head counts the entries that found no room and went on. At its highest value the number is not known any more.
const PASSED: usize = 12;
/// A time that never comes; one bit less than the forty that are kept, for the mark beside them.
const NEVER: u64 = (1 << 39) - 1;

/// Bytes that an id takes, about.
pub(crate) const ID_BYTES: usize = 32;

#[derive(Debug)]
struct Chunk {
    hashes: [u128; CHUNK],
    /// Low 32 bits of the end, high 7 bits and a mark: it is to be stored.
    low: [u32; CHUNK],
    high: [u8; CHUNK],
}

#[derive(Debug, Clone)]
#[repr(align(64))]
struct Bucket {
    /// The tag of each place (0: it is free), then [`PASSED`].
    head: [u8; 16],
    places: [u32; SLOTS],
}

impl Bucket {
    /// Places that may have a tag, lowest first: all that have it, and now and then one that has not.
    fn candidates(&self, tag: u8) -> impl Iterator<Item = usize> + use<> {
        const ONES: u128 = u128::MAX / 255;
        const TOPS: u128 = (ONES << 7) & ((1 << (8 * SLOTS)) - 1);
        let differences = u128::from_le_bytes(self.head) ^ (ONES * u128::from(tag));
        let mut found = differences.wrapping_sub(ONES) & !differences & TOPS;
        std::iter::from_fn(move || {
            let at = (found != 0).then(|| found.trailing_zeros() as usize / 8);
            found &= found.wrapping_sub(1);
            at
        })
    }
}

#[derive(Debug, Default)]
struct Shard {
    buckets: Vec<Bucket>,
    len: usize,
}

/// See the module's documentation. Times are milliseconds since 1970.
#[derive(Debug)]
pub(super) struct Window {
    chunks: VecDeque<Box<Chunk>>,
    /// Number of the oldest in the ring, and of the next.
    first: u64,
    next: u64,
    shards: Vec<Shard>,
    ids_max: u64,
    /// Times are kept as the distance from here, in 39 bits: 17 years.
    base_ms: u64,
    /// The most there were since it was empty.
    most: u64,
}

/// Of a window that becomes empty, the tables are kept for the next ids if they were never more.
const KEPT_MAX: u64 = 4096;

const EMPTY: Bucket = Bucket { head: [0; 16], places: [0; SLOTS] };

fn shard_of(hash: u128) -> usize {
    hash as usize % SHARDS
}

fn tag_of(hash: u128) -> u8 {
    ((hash >> 8) as u8).max(1)
}

impl Shard {
    fn home(&self, hash: u128) -> usize {
        ((hash >> 32) as u64 & 0xffff_ffff).wrapping_mul(self.buckets.len() as u64) as usize >> 32
    }

    fn after(&self, at: usize) -> usize {
        if at + 1 == self.buckets.len() { 0 } else { at + 1 }
    }

    /// Where an entry is; `is_it` is asked about places whose tags agree.
    fn find(&self, hash: u128, is_it: impl Fn(u32) -> bool) -> Option<(usize, usize)> {
        if self.len == 0 {
            return None;
        }
        let (tag, mut at) = (tag_of(hash), self.home(hash));
        for _ in 0..self.buckets.len() {
            let bucket = &self.buckets[at];
            for slot in bucket.candidates(tag) {
                if bucket.head[slot] == tag && is_it(bucket.places[slot]) {
                    return Some((at, slot));
                }
            }
            if bucket.head[PASSED] == 0 {
                return None;
            }
            at = self.after(at);
        }
        None
    }

    fn is_crowded(&self) -> bool {
        self.len * 100 >= self.buckets.len() * SLOTS * 85
    }

    /// There is room.
    fn insert(&mut self, hash: u128, place: u32) {
        let mut at = self.home(hash);
        loop {
            let bucket = &mut self.buckets[at];
            if let Some(slot) = bucket.candidates(0).next() {
                bucket.head[slot] = tag_of(hash);
                bucket.places[slot] = place;
                self.len += 1;
                return;
            }
            bucket.head[PASSED] = bucket.head[PASSED].saturating_add(1);
            at = self.after(at);
        }
    }

    fn remove(&mut self, hash: u128, (found, slot): (usize, usize)) {
        let mut at = self.home(hash);
        while at != found {
            let passed = &mut self.buckets[at].head[PASSED];
            *passed -= u8::from(*passed < u8::MAX);
            at = self.after(at);
        }
        self.buckets[found].head[slot] = 0;
        self.len -= 1;
    }
}

impl Window {
    pub(super) fn new(ids_max: u64) -> Self {
        let shards = Vec::new();
        Self {
            chunks: VecDeque::new(),
            first: 0,
            next: 0,
            shards,
            ids_max: ids_max.max(1),
            base_ms: 0,
            most: 0,
        }
    }

    /// Ids in it, those included whose time is over and that are not the oldest.
    pub(super) fn len(&self) -> u64 {
        self.next - self.first
    }

    /// Number that the next id gets. Those below [`first`](Self::first) are gone.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    pub(super) fn first(&self) -> u64 {
        self.first
    }

    fn chunk(&self, number: u64) -> &Chunk {
        &self.chunks[(number / CHUNK as u64 - self.first / CHUNK as u64) as usize]
    }

    fn hash_at(&self, number: u64) -> u128 {
        self.chunk(number).hashes[number as usize % CHUNK]
    }

    /// When it is over.
    fn until(&self, number: u64) -> u64 {
        let (chunk, at) = (self.chunk(number), number as usize % CHUNK);
        match u64::from(chunk.high[at] & 0x7f) << 32 | u64::from(chunk.low[at]) {
            NEVER => u64::MAX,
            distance => self.base_ms + distance,
        }
    }

    /// The number behind the low bits of one in the ring.
    fn number(&self, place: u32) -> u64 {
        self.first + u64::from(place.wrapping_sub(self.first as u32))
    }

    fn locate(&self, hash: u128) -> Option<(usize, usize)> {
        let shard = self.shards.get(shard_of(hash))?;
        shard.find(hash, |place| self.hash_at(self.number(place)) == hash)
    }

    /// Whether an id is in it.
    pub(super) fn contains(&mut self, hash: u128, now_unix_ms: u64) -> bool {
        let Some(found) = self.locate(hash) else { return false };
        let place = self.shards[shard_of(hash)].buckets[found.0].places[found.1];
        let is_in_time = self.until(self.number(place)) > now_unix_ms;
        if !is_in_time {
            // What is left of it in the ring goes with its turn.
            self.shards[shard_of(hash)].remove(hash, found);
        }
        is_in_time
    }

    /// Takes in what a start found, with its ends.
    pub(super) fn restore(&mut self, ids: &[(u128, u64)], now_unix_ms: u64) {
        for (hash, until_unix_ms) in ids {
            if !self.contains(*hash, now_unix_ms) {
                self.insert(*hash, *until_unix_ms, true, now_unix_ms);
            }
        }
    }

    /// Takes an id in that [`contains`](Self::contains) was just asked about and is not in it, until then; makes room first. `lasting` is told back by [`lasting`](Self::lasting).
    pub(super) fn insert(&mut self, hash: u128, until_unix_ms: u64, lasting: bool, now_unix_ms: u64) {
        if until_unix_ms <= now_unix_ms {
            return;
        }
        self.forget_old(now_unix_ms);
        while self.len() >= self.ids_max {
            self.pop();
        }
        if self.len() == 0 {
            self.base_ms = now_unix_ms;
        }
        let distance = match until_unix_ms {
            u64::MAX => NEVER,
            ms => ms.saturating_sub(self.base_ms).min(NEVER - 1),
        };
        let at = self.next as usize % CHUNK;
        if at == 0 || self.chunks.is_empty() {
            self.chunks.push_back(Box::new(Chunk { hashes: [0; CHUNK], low: [0; CHUNK], high: [0; CHUNK] }));
        }
        if let Some(chunk) = self.chunks.back_mut() {
            chunk.hashes[at] = hash;
            chunk.low[at] = distance as u32;
            chunk.high[at] = (distance >> 32) as u8 | u8::from(lasting) << 7;
        }
        let place = self.next as u32;
        self.next += 1;
        self.most = self.most.max(self.len());
        self.make_room(shard_of(hash));
        self.shards[shard_of(hash)].insert(hash, place);
    }

    fn make_room(&mut self, at: usize) {
        if self.shards.is_empty() {
            self.shards.resize_with(SHARDS, Shard::default);
        }
        if !self.shards[at].is_crowded() {
            return;
        }
        let old = std::mem::take(&mut self.shards[at]);
        let buckets = (old.buckets.len() * 3).div_ceil(2).max(1);
        let mut new = Shard { buckets: vec![EMPTY; buckets], len: 0 };
        for bucket in &old.buckets {
            for slot in (0..SLOTS).filter(|slot| bucket.head[*slot] != 0) {
                new.insert(self.hash_at(self.number(bucket.places[slot])), bucket.places[slot]);
            }
        }
        self.shards[at] = new;
    }

    /// Holds so many from now on; the oldest go if there are more.
    pub(super) fn bound(&mut self, ids_max: u64) {
        self.ids_max = ids_max;
        while self.len() > ids_max {
            self.pop();
        }
    }

    /// Lets go of the oldest whose time is over.
    pub(super) fn forget_old(&mut self, now_unix_ms: u64) {
        while self.len() > 0 && self.until(self.first) <= now_unix_ms {
            self.pop();
        }
    }

    fn pop(&mut self) {
        let (number, hash) = (self.first, self.hash_at(self.first));
        self.drop_entry(hash, number);
        self.first += 1;
        if self.first == self.next {
            self.chunks.clear();
            if std::mem::take(&mut self.most) > KEPT_MAX {
                self.shards = Vec::new();
            }
        } else if self.first.is_multiple_of(CHUNK as u64) {
            self.chunks.pop_front();
        }
    }

    /// Takes the table's entry of a place in the ring away, unless a later one has the same hash.
    fn drop_entry(&mut self, hash: u128, number: u64) {
        if let Some((bucket, slot)) = self.locate(hash) {
            let shard = &mut self.shards[shard_of(hash)];
            if shard.buckets[bucket].places[slot] == number as u32 {
                shard.remove(hash, (bucket, slot));
            }
        }
    }

    /// Forgets an id that was taken in by mistake.
    pub(super) fn forget(&mut self, hash: u128) {
        if let Some(found) = self.locate(hash) {
            let place = self.shards[shard_of(hash)].buckets[found.0].places[found.1];
            let number = self.number(place);
            self.shards[shard_of(hash)].remove(hash, found);
            let index = (number / CHUNK as u64 - self.first / CHUNK as u64) as usize;
            // Its place in the ring is over at once, and nobody stores it.
            let at = number as usize % CHUNK;
            (self.chunks[index].low[at], self.chunks[index].high[at]) = (0, 0);
        }
    }

    /// Those of a range of numbers that are in the ring and are to last: hash and end.
    pub(super) fn lasting(&self, from: u64, to: u64) -> impl Iterator<Item = (u128, u64)> + '_ {
        let marked = |number: &u64| self.chunk(*number).high[*number as usize % CHUNK] & 0x80 != 0;
        (from.max(self.first)..to.min(self.next))
            .filter(marked)
            .map(|number| (self.hash_at(number), self.until(number)))
    }
}

#[cfg(test)]
mod tests;
