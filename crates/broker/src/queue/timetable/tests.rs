use super::*;
use crate::message::{Message, Parts};
use crate::queue::past::Past;
use leveret_protocol::RawProperties;
use leveret_store::disk::MemoryDisk;
use leveret_store::{Options, Store};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn entry(position: u64) -> Entry {
    let parts = Parts { exchange: b"", routing_key: b"", properties: RawProperties::EMPTY };
    let message = Message::new(parts, Default::default(), None, 1);
    let (past, stored) = (Past::default(), Stored::at(0, true));
    Entry { position, expires_ms: u64::MAX, past, redelivered: false, stored, message }
}

/// A table and the disk behind it, on which everything lies that was not taken out.
struct World {
    table: Timetable,
    disk: BTreeMap<u64, ()>,
    /// What the load under way will find.
    loading: Option<(Vec<u64>, u64)>,
    now: u64,
    left: Vec<u64>,
}

const LOAD_MAX: usize = 8;

impl World {
    fn new(adopted: &[u64]) -> Self {
        let (store, _) = Store::open(Arc::new(MemoryDisk::new()), Options::default(), &mut |_| ()).unwrap();
        let mut table = Timetable::new(1, Some(store));
        table.adopt(adopted.len() as u64, 0);
        // (This store knows nothing of them: numbers that do not come again.)
        let last = (1 << NUMBER_BITS) - 1;
        let disk = adopted.iter().map(|due| (due << NUMBER_BITS | last, ())).collect();
        Self { table, disk, loading: None, now: 0, left: Vec::new() }
    }

    fn add(&mut self, due: u64) {
        let position = self.table.place(due);
        assert!(self.disk.insert(position, ()).is_none(), "a position is given once");
        match self.table.choose(position) {
            Keep::Memory => {
                self.table.keep(entry(position));
                while self.table.evict().is_some() {}
            }
            Keep::Disk => self.table.keep_far(0),
        }
    }

    fn leave(&mut self, position: u64) {
        assert!(self.disk.remove(&position).is_some());
    }

    fn pass(&mut self, ms: u64) {
        self.now += ms;
        while let Some(entry) = self.table.pop_due(self.now) {
            self.leave(entry.position);
            self.left.push(entry.position);
        }
    }

    fn begin(&mut self) {
        if self.table.begin_load() {
            let after = self.table.horizon();
            let found: Vec<u64> = self.disk.range(after + 1..).take(LOAD_MAX).map(|(p, ())| *p).collect();
            let through = if found.len() < LOAD_MAX { u64::MAX } else { *found.last().unwrap() };
            self.loading = Some((found, through));
        }
    }

    fn end(&mut self, raced: bool) {
        if let Some((found, through)) = self.loading.take() {
            let (_, lost) = self.table.loaded(found.into_iter().map(entry).collect(), through, raced);
            assert_eq!(lost, 0);
        }
    }

    fn cancel(&mut self, nth: usize) {
        let Some(position) = self.disk.keys().nth(nth % self.disk.len().max(1)).copied() else { return };
        let is_taken = self.table.take(position).is_some()
            || position > self.table.horizon() && self.table.take_far(position, 0);
        if is_taken {
            self.leave(position);
        } else {
            assert!(self.table.is_loading(), "what is on disk can be taken unless it is just being fetched");
        }
    }

    fn finish(mut self) -> Vec<u64> {
        self.end(false);
        self.now = u64::MAX >> NUMBER_BITS;
        for _ in 0..10_000 {
            self.pass(0);
            self.begin();
            self.end(false);
        }
        assert_eq!(self.table.len(), self.disk.len());
        assert!(self.disk.is_empty(), "{} are left", self.disk.len());
        self.left
    }
}

#[derive(Debug, Clone)]
enum Step {
    Add(u64),
    Pass(u64),
    Begin,
    End { raced: bool },
    Cancel(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1_u64..200).prop_map(Step::Add),
        2 => (0_u64..20).prop_map(Step::Pass),
        2 => Just(Step::Begin),
        2 => any::<bool>().prop_map(|raced| Step::End { raced }),
        1 => any::<usize>().prop_map(Step::Cancel),
    ]
}

proptest! {
    /// Nothing is lost, nothing comes twice, nothing comes early, and within what is known by then the order is that of the moments.
    #[test]
    fn everything_leaves_once_and_not_before_its_moment(
        adopted in proptest::collection::btree_set(1_u64..300, 0..60),
        steps in proptest::collection::vec(step(), 0..400),
    ) {
        let adopted: Vec<u64> = adopted.into_iter().collect();
        let mut world = World::new(&adopted);
        for step in steps {
            match step {
                Step::Add(delay) => world.add(world.now + delay),
                Step::Pass(ms) => world.pass(ms),
                Step::Begin => world.begin(),
                Step::End { raced } => world.end(raced),
                Step::Cancel(nth) => world.cancel(nth),
            }
            let early = world.left.iter().any(|position| due_of(*position) > world.now);
            prop_assert!(!early);
            prop_assert_eq!(world.table.len(), world.disk.len());
        }
        let left = world.finish();
        let mut once = left.clone();
        once.sort_unstable();
        once.dedup();
        prop_assert_eq!(once.len(), left.len());
    }
}

/// The accident: a load that raced with the store and yet found the last ones left them waiting for another, which never came.
#[test]
fn what_a_raced_load_found_last_leaves_in_its_time() {
    let mut world = World::new(&[1, 5]);
    world.begin();
    world.end(true);
    world.pass(1);
    assert_eq!(world.left.len(), 1);
    assert_eq!(world.finish().len(), 2);
}

#[test]
fn memory_holds_the_next_few_thousand_whatever_comes() {
    for backwards in [false, true] {
        let mut world = World::new(&[]);
        for n in 0..50_000_u64 {
            world.add(if backwards { 1_000_000 - n } else { n + 1 });
        }
        assert!(world.table.near.len() <= 2 * NEAR_MAX + 1, "{}", world.table.near.len());
        let first = world.table.next_due_unix_ms().unwrap();
        assert_eq!(first, if backwards { 1_000_000 - 49_999 } else { 1 });
        assert_eq!(world.table.len(), 50_000);
    }
}

#[test]
fn a_position_of_an_earlier_run_is_not_given_again() {
    let (store, _) = Store::open(Arc::new(MemoryDisk::new()), Options::default(), &mut |_| ()).unwrap();
    let mut batch = leveret_store::Batch::new();
    for number in 0..3 {
        let position = 7 << NUMBER_BITS | number;
        let target = leveret_store::Target { queue: 1, lane: 0, position, expires_unix_ms: u64::MAX };
        batch.message(&[target], 0, b"m", None);
    }
    let ticket = store.append(&mut batch, leveret_store::Urgency::Synced, None).unwrap();
    while store.synced() < ticket {
        std::thread::yield_now();
    }
    let mut table = Timetable::new(1, Some(store));
    table.adopt(3, 0);
    assert_eq!(table.place(7), 7 << NUMBER_BITS | 3);
    assert_eq!(table.place(8), 8 << NUMBER_BITS | 4);
}

#[test]
fn messages_of_one_moment_keep_their_order() {
    let mut world = World::new(&[]);
    (0..100).for_each(|_| world.add(7));
    let left = world.finish();
    assert!(left.is_sorted() && left.len() == 100);
}
