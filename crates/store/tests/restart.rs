//! The store against a model: random work, small files, and a second store opened on a copy of the folder at any moment.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed unwrap in a test is a failed assertion with a place"
)]

use leveret_store::disk::{Disk as _, MemoryDisk};
use leveret_store::{Batch, History, LoadRequest, Options, Store, Target, Urgency};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Debug, Clone)]
enum Action {
    Publish { queues: u8, size: u16, count: u8 },
    Settle { queue: u8, at: u8, count: u8 },
    Return { queue: u8, at: u8 },
    Clear { queue: u8 },
    Drop { queue: u8 },
    Put { key: u8 },
    Commit,
    Tidy,
    Reopen,
    Copy,
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        6 => (1..8_u8, 0..3000_u16, 1..20_u8).prop_map(|(queues, size, count)| Action::Publish { queues, size, count }),
        6 => (0..3_u8, any::<u8>(), 1..30_u8).prop_map(|(queue, at, count)| Action::Settle { queue, at, count }),
        1 => (0..3_u8, any::<u8>()).prop_map(|(queue, at)| Action::Return { queue, at }),
        1 => (0..3_u8).prop_map(|queue| Action::Clear { queue }),
        1 => (0..3_u8).prop_map(|queue| Action::Drop { queue }),
        1 => any::<u8>().prop_map(|key| Action::Put { key }),
        3 => Just(Action::Commit),
        4 => Just(Action::Tidy),
        1 => Just(Action::Reopen),
        1 => Just(Action::Copy),
    ]
}

#[derive(Debug, Default, Clone, PartialEq)]
struct Model {
    queues: [BTreeMap<u64, (Vec<u8>, u32)>; 3],
    definitions: BTreeMap<Vec<u8>, Vec<u8>>,
}

fn options() -> Options {
    Options { file_bytes: 32 * 1024, threads: false, ..Options::default() }
}

fn open(disk: &Arc<MemoryDisk>) -> (Arc<Store>, leveret_store::Recovered) {
    Store::open(disk.clone(), options(), &mut |_| ()).unwrap()
}

/// A folder with the same files, which goes its own way from now on.
fn copied(disk: &MemoryDisk) -> Arc<MemoryDisk> {
    let copy = MemoryDisk::new();
    for name in disk.list().unwrap() {
        let file = disk.open(&name).unwrap();
        let mut bytes = vec![0; file.len().unwrap() as usize];
        assert_eq!(file.read_at(0, &mut bytes).unwrap(), bytes.len());
        copy.create(&name).unwrap().write_at(0, &[std::io::IoSlice::new(&bytes)]).unwrap();
    }
    Arc::new(copy)
}

fn read(store: &Store, recovered: Option<&leveret_store::Recovered>, model: &Model, chunk: usize) {
    for (queue, expected) in (0..).zip(&model.queues) {
        let mut found = BTreeMap::new();
        let mut after = 0;
        loop {
            let request = LoadRequest { queue, lanes: &[0], after, messages_max: chunk, bytes_max: 10_000 };
            let end = store.load(request, &mut |message| {
                assert!(message.position > after, "order");
                after = message.position;
                assert_eq!(message.expires_unix_ms, message.position + 5);
                found.insert(message.position, (message.payload.to_vec(), message.history.delivery_count));
            });
            assert_eq!(end.unreadable, 0);
            if end.through == u64::MAX {
                break;
            }
            after = end.through;
        }
        assert!(found == *expected, "queue {queue}: {:?} instead of {:?}", found.keys(), expected.keys());
        if let Some(recovered) = recovered {
            let lane = recovered.lanes.iter().find(|lane| (lane.queue, lane.lane) == (queue, 0));
            assert_eq!(lane.map_or(0, |lane| lane.messages), expected.len() as u64);
        }
    }
    if let Some(recovered) = recovered {
        let definitions: BTreeMap<_, _> =
            recovered.definitions.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
        assert_eq!(definitions, model.definitions);
    }
}

fn run(actions: &[Action]) {
    let disk = Arc::new(MemoryDisk::new());
    let (mut store, _) = open(&disk);
    let mut model = Model::default();
    let mut next = [1_u64; 3];
    let mut batch = Batch::new();
    let mut byte = 0_u8;
    for action in actions {
        match action {
            Action::Publish { queues, size, count } => {
                for _ in 0..*count {
                    byte = byte.wrapping_add(1);
                    let payload = vec![byte; usize::from(*size)];
                    let mut targets = Vec::new();
                    for queue in (0..3).filter(|queue| queues >> queue & 1 == 1) {
                        let position = next[queue];
                        next[queue] += 1;
                        let expires_unix_ms = position + 5;
                        targets.push(Target { queue: queue as u64, lane: 0, position, expires_unix_ms });
                        model.queues[queue].insert(position, (payload.clone(), 0));
                    }
                    batch.message(
                        &targets,
                        u32::from(*size),
                        &payload[..payload.len() / 2],
                        Some(payload[payload.len() / 2..].to_vec().into()),
                    );
                }
                store.append(&mut batch, Urgency::Synced, None).unwrap();
            }
            Action::Settle { queue, at, count } => {
                let live = &mut model.queues[usize::from(*queue)];
                let from = usize::from(*at) % live.len().max(1);
                let gone: Vec<u64> = live.keys().skip(from).take(usize::from(*count)).copied().collect();
                for position in gone {
                    let (payload, _) = live.remove(&position).unwrap();
                    batch.settle(u64::from(*queue), 0, position, payload.len() as u32);
                }
                store.append(&mut batch, Urgency::Later, None).unwrap();
            }
            Action::Return { queue, at } => {
                let live = &mut model.queues[usize::from(*queue)];
                let count = live.len().max(1);
                if let Some((position, (_, returned))) = live.iter_mut().nth(usize::from(*at) % count) {
                    *returned += 1;
                    let history = History { delivery_count: *returned, ..History::default() };
                    batch.returned(u64::from(*queue), 0, *position, history);
                    store.append(&mut batch, Urgency::Later, None).unwrap();
                }
            }
            Action::Clear { queue } => {
                model.queues[usize::from(*queue)].clear();
                batch.clear_range(u64::from(*queue), 0, 1, next[usize::from(*queue)]);
                store.append(&mut batch, Urgency::Later, None).unwrap();
            }
            Action::Drop { queue } => {
                model.queues[usize::from(*queue)].clear();
                batch.drop_queue(u64::from(*queue));
                store.append(&mut batch, Urgency::Later, None).unwrap();
            }
            Action::Put { key } => {
                if key % 3 == 0 {
                    model.definitions.remove(&vec![*key / 3]);
                    batch.remove(&[*key / 3]);
                } else {
                    model.definitions.insert(vec![*key / 3], vec![*key; 10]);
                    batch.put(&[*key / 3], &[*key; 10]);
                }
                store.append(&mut batch, Urgency::Synced, None).unwrap();
            }
            Action::Commit => store.commit(),
            Action::Tidy => {
                store.commit();
                store.tidy();
            }
            Action::Reopen => {
                store.close();
                let (again, recovered) = open(&disk);
                store = again;
                read(&store, Some(&recovered), &model, 7);
            }
            Action::Copy => {
                store.commit();
                let (copy, recovered) = open(&copied(&disk));
                read(&copy, Some(&recovered), &model, 1000);
            }
        }
    }
    read(&store, None, &model, 3);
    let stats = store.stats();
    assert!(stats.file_bytes < 40 * 32 * 1024 + 4 * stats.live_bytes, "space comes back: {stats:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn what_was_appended_is_there_after_any_restart(actions in proptest::collection::vec(action(), 1..200)) {
        run(&actions);
    }
}

/// A message and one before it that leave at once, so that their end is written before the second's beginning: what each weighed is
/// estimated then. The estimate once stayed when both were gone, and a queue with nothing in it had bytes after a restart.
#[test]
fn a_lane_with_nothing_in_it_weighs_nothing_after_a_restart() {
    let disk = Arc::new(MemoryDisk::new());
    let (store, _) = open(&disk);
    let target = |position| Target { queue: 1, lane: 0, position, expires_unix_ms: u64::MAX };
    let mut batch = Batch::default();
    batch.message(&[target(1)], 9, b"nine bytes", None);
    store.append(&mut batch, Urgency::Synced, None).unwrap();
    batch.clear();
    batch.settle(1, 0, 1, 9);
    batch.settle(1, 0, 2, 20);
    batch.message(&[target(2)], 20, b"twenty bytes in body", None);
    batch.message(&[target(3)], 7, b"seven b", None);
    store.append(&mut batch, Urgency::Synced, None).unwrap();
    store.commit();
    let (_, recovered) = open(&copied(&disk));
    let found: Vec<_> = recovered.lanes.iter().map(|lane| (lane.messages, lane.weight)).collect();
    assert_eq!(found, [(1, 7)]);
}
