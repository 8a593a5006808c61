use super::*;
use crate::message::Parts;
use crate::queue::stored::Change;
use bytes::Bytes;
use leveret_protocol::{FieldTable, FieldValue, Properties, RawProperties};
use leveret_store::disk::MemoryDisk;
use leveret_store::{Batch, Options, Target, Urgency};

const QUEUE: u64 = 7;

fn message(headers: FieldTable) -> Message {
    let mut raw = Vec::new();
    Properties { headers: Some(headers), ..Properties::default() }.encode(&mut raw);
    let properties = RawProperties::parse(&raw).unwrap();
    Message::new(Parts { exchange: b"", routing_key: b"q", properties }, Bytes::new(), None, 1)
}

fn with_id(id: impl Into<FieldValue>) -> Message {
    message(FieldTable::from([("x-deduplication-header", id.into())]))
}

fn numbered(producer: &str, sequence: i64) -> Message {
    message(FieldTable::from([
        ("x-producer-id", producer.into()),
        ("x-producer-sequence", FieldValue::I64(sequence)),
    ]))
}

fn settings(size: u64) -> DedupSettings {
    let arguments =
        [("x-message-deduplication", true.into()), ("x-cache-size", FieldValue::I64(size as i64))];
    DedupSettings::of(&FieldTable::from(arguments)).unwrap()
}

fn store() -> Arc<Store> {
    let options = Options { threads: false, ..Options::default() };
    Store::open(Arc::new(MemoryDisk::new()), options, &mut |_| ()).unwrap().0
}

/// Takes a message in, or not.
fn publish(dedup: &mut Dedup, message: &Message, lasting: bool, now: u64) -> bool {
    let sighting = dedup.look(message, now);
    sighting.iter().for_each(|sighting| dedup.remember(sighting, lasting, now));
    sighting.is_some()
}

/// Has the store take what a batch left.
fn append(dedup: &mut Dedup, store: &Store, now: u64) {
    let mut outcome = Outcome::default();
    dedup.finish(now, &mut outcome);
    append_outcome(outcome, store);
}

fn append_outcome(outcome: Outcome, store: &Store) {
    let mut batch = Batch::new();
    for change in outcome.changes {
        let Change::Settle { lane, position, weight } = change else { panic!("{change:?}") };
        batch.settle(QUEUE, lane, position, weight);
    }
    let mut numbers = Vec::new();
    for seen in outcome.seen {
        let target =
            Target { queue: QUEUE, lane: HIDDEN_LANE, position: seen.position, expires_unix_ms: u64::MAX };
        batch.message(&[target], 0, &seen.payload, None);
        numbers.extend(seen.number);
    }
    let ticket = store.append(&mut batch, Urgency::Synced, None).unwrap();
    store.commit();
    numbers.iter().for_each(|(line, number)| line.appended(*number, ticket));
}

fn restored(store: &Store, size: u64, now: u64) -> Dedup {
    let mut dedup = Dedup::new(settings(size), true);
    dedup.restore(store, QUEUE, 0, now);
    dedup
}

#[test]
fn ids_of_any_kind_are_told_apart_and_whole_numbers_are_numbers() {
    let mut dedup = Dedup::new(settings(100), false);
    let kinds: [FieldValue; 9] = [
        "1".into(),
        "2".into(),
        1_i32.into(),
        FieldValue::ByteArray(b"1".to_vec()),
        true.into(),
        1.0_f64.into(),
        FieldValue::Timestamp(1),
        FieldValue::Array(vec![1_i32.into()]),
        FieldTable::from([("a", FieldValue::I32(1))]).into(),
    ];
    for id in &kinds {
        assert!(publish(&mut dedup, &with_id(id.clone()), false, 0), "{id:?} is new");
    }
    for id in kinds.iter().chain(&[1_i64.into(), 1_u8.into(), 1_i16.into()]) {
        assert!(!publish(&mut dedup, &with_id(id.clone()), false, 0), "{id:?} was seen");
    }
    for _ in 0..2 {
        assert!(publish(&mut dedup, &with_id(FieldValue::Void), false, 0), "no value is no id");
        assert!(publish(&mut dedup, &message(FieldTable::new()), false, 0));
        assert!(publish(&mut dedup, &numbered("p", -1), false, 0), "nor is this a sequence");
    }
}

#[test]
fn what_lasted_is_known_again_whatever_became_of_the_records() {
    const SIZE: u64 = 100;
    let (store, mut dedup) = (store(), Dedup::new(settings(SIZE), true));
    let mut id = 0;
    for batch in 0..300_u64 {
        // Small ones and pages, and among them some that do not last.
        for _ in 0..[1, 3, 20, 2][batch as usize % 4] {
            assert!(publish(&mut dedup, &with_id(id), id % 5 != 0, batch));
            id += 1;
        }
        assert!(publish(&mut dedup, &numbered(&format!("p{}", batch % 3), batch as i64), true, batch));
        append(&mut dedup, &store, batch);
        if batch % 37 != 0 {
            continue;
        }
        // Later ids may have made it while those between them were transient: what is known again is what was known and lasted.
        let mut again = restored(&store, SIZE, batch);
        for old in 0..id {
            let known = old + SIZE as i64 >= id && old % 5 != 0;
            let was_known = again.look(&with_id(old), batch).is_none();
            assert!(was_known || !known, "{old} of {id} is forgotten");
            assert!(!was_known || old % 5 != 0, "{old} was not to last");
        }
        assert!(again.look(&with_id(id), batch).is_some());
        for producer in 0..3.min(batch + 1) {
            let last = (0..=batch).rev().find(|batch| batch % 3 == producer).unwrap() as i64;
            let name = format!("p{producer}");
            assert!(again.look(&numbered(&name, last), batch).is_none());
            assert!(again.look(&numbered(&name, last + 1), batch).is_some());
        }
        // And it goes on from there.
        dedup = again;
        append(&mut dedup, &store, batch);
    }
    let records = store.stats().messages;
    assert!(records < 60, "{records} records of {SIZE} ids are left");
    assert_eq!(records as usize, dedup.journal.as_ref().unwrap().records());
}

/// The accident: ids that were put together into a page came behind later ones at a start, and pushed these out of the window.
#[test]
fn a_start_finds_the_last_ids_in_the_order_in_which_they_came() {
    const SIZE: u64 = 60;
    for pattern in 1..15_u64 {
        let (store, mut dedup) = (store(), Dedup::new(settings(SIZE), true));
        let mut late: Option<Outcome> = None;
        let mut id: i64 = 0;
        for batch in 0..60_u64 {
            for _ in 0..[1, 1, 1, 25, 2, 1, 9][(batch * pattern / 7 % 7) as usize] {
                assert!(publish(&mut dedup, &with_id(id), true, 0));
                id += 1;
            }
            // Now and then one is appended after the next.
            let mut outcome = Outcome::default();
            dedup.finish(0, &mut outcome);
            if batch % 11 == pattern % 11 && late.is_none() {
                late = Some(outcome);
                continue;
            }
            append_outcome(outcome, &store);
            late.take().into_iter().for_each(|outcome| append_outcome(outcome, &store));
            let mut again = restored(&store, SIZE, 0);
            for old in (id - SIZE as i64).max(0)..id {
                let was_known = again.look(&with_id(old), 0).is_none();
                assert!(was_known, "pattern {pattern}, batch {batch}: {old} of {id} is forgotten");
            }
        }
    }
}

/// The accident to avoid: a page that speaks of an id is stored before the message, which then is lost; sent again it is dropped.
#[test]
fn nothing_is_put_together_that_is_not_in_the_store_yet() {
    let (store, mut dedup) = (store(), Dedup::new(settings(1000), true));
    publish(&mut dedup, &with_id(0), true, 0);
    let mut late = Outcome::default();
    dedup.finish(0, &mut late);
    for id in 1..100 {
        publish(&mut dedup, &with_id(id), true, 0);
        append(&mut dedup, &store, 0);
    }
    let mut again = restored(&store, 1000, 0);
    assert!(again.look(&with_id(0), 0).is_some() && again.look(&with_id(99), 0).is_none());
    append_outcome(late, &store);
    publish(&mut dedup, &with_id(100), true, 0);
    append(&mut dedup, &store, 0);
    let mut again = restored(&store, 1000, 0);
    assert!((0..=100).all(|id| again.look(&with_id(id), 0).is_none()));
    assert!(store.stats().messages < 20, "{:?}", store.stats());
}

#[test]
fn a_time_goes_on_while_nobody_runs() {
    let store = store();
    let mut dedup = Dedup::new(DedupSettings { ttl_ms: Some(1000), ..settings(10) }, true);
    publish(&mut dedup, &with_id("short"), true, 0);
    let long = [("x-deduplication-header", "long".into()), ("x-cache-ttl", FieldValue::I32(5000))];
    publish(&mut dedup, &message(FieldTable::from(long)), true, 0);
    append(&mut dedup, &store, 0);
    for (now, short, long) in
        [(999, true, true), (1000, false, true), (4999, false, true), (5000, false, false)]
    {
        let mut again = restored(&store, 10, now);
        assert_eq!(again.look(&with_id("short"), now).is_none(), short, "{now}");
        assert_eq!(again.look(&with_id("long"), now).is_none(), long, "{now}");
    }
}

#[test]
fn silent_producers_leave_no_records() {
    let (store, mut dedup) = (store(), Dedup::new(settings(10), true));
    for n in 0..50 {
        publish(&mut dedup, &numbered(&format!("p{n}"), 1), true, n);
        append(&mut dedup, &store, n);
    }
    let later = producers::IDLE_MS + 1000;
    for n in 0..50 {
        publish(&mut dedup, &numbered("p", n), true, later);
        append(&mut dedup, &store, later);
    }
    assert_eq!(dedup.len().1, 1);
    assert!(store.stats().messages <= 17, "{:?}", store.stats());
}
