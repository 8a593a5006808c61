use super::*;
use crate::message::Parts;
use leveret_protocol::{FieldTable, FieldValue, Properties, RawProperties};

fn message(len: usize, value: Option<&str>) -> Message {
    let mut raw = Vec::new();
    let headers = value.map(|value| FieldTable::from([("x-stream-filter-value", FieldValue::from(value))]));
    Properties { headers, ..Properties::default() }.encode(&mut raw);
    let properties = RawProperties::parse(&raw).unwrap();
    let parts = Parts { exchange: b"", routing_key: b"q", properties };
    Message::new(parts, vec![7; len].into(), None, 1)
}

/// One message of 1000 bytes and some each second; segments of so many messages.
fn log(segment_messages: u64, count: u64) -> Log {
    let mut log = Log::new(segment_messages * 1000, 16);
    for n in 0..count {
        log.append(message(1000, None), n * 1000);
    }
    log
}

fn offsets(log: &Log) -> Vec<u64> {
    log.tail.iter().map(|kept| kept.offset).collect()
}

#[test]
fn whole_segments_go_and_the_newest_stays() {
    let mut three = log(3, 10);
    let of_one = three.bytes() / 10;
    assert_eq!(three.trim(Some(10 * of_one), None, 10), None, "there is room");
    assert_eq!(three.trim(Some(9 * of_one), None, 10), Some(0));
    assert_eq!((three.first(), three.bytes() / of_one), (3, 7));
    assert_eq!(three.trim(Some(0), None, 10), Some(3));
    assert_eq!((three.first(), offsets(&three)), (9, vec![9]), "the newest stays, whatever its size");
    assert_eq!(three.trim(Some(0), Some(u64::MAX), 10), None);
}

#[test]
fn a_segment_is_as_old_as_its_last_message() {
    let mut three = log(3, 10);
    assert_eq!(three.oldest_segment_ms(), Some(2000));
    assert_eq!(three.trim(None, Some(2000), 10), None);
    assert_eq!(three.trim(None, Some(2001), 10), Some(0));
    assert_eq!((three.first(), three.oldest_segment_ms()), (3, Some(5000)));
}

#[test]
fn what_is_not_stored_yet_does_not_go() {
    let mut three = log(3, 10);
    assert_eq!(three.trim(Some(0), None, 5), Some(0));
    assert_eq!(three.first(), 3);
}

#[test]
fn a_time_is_found_by_its_chunk() {
    let three = log(3, 10);
    for (ms, offset) in [(0, 0), (2000, 0), (2001, 3), (5500, 6), (9000, 9), (9001, 10)] {
        assert_eq!(three.offset_at(ms), offset, "{ms}");
    }
}

#[test]
fn times_grow_when_the_clock_goes_back() {
    let mut log = Log::new(1, 16);
    for ms in [5000, 3000, 6000] {
        log.append(message(10, None), ms);
    }
    assert_eq!(log.tail.iter().map(|kept| kept.unix_ms).collect::<Vec<_>>(), [5000, 5000, 6000]);
    assert_eq!(log.offset_at(5001), 2);
}

#[test]
fn chunks_without_what_is_wanted_are_passed_over() {
    let mut log = Log::new(1 << 30, 255);
    let of = |n: u64| ["a", "b", "c"][(n / CHUNK_MESSAGES_MAX) as usize % 3];
    let count = 6 * CHUNK_MESSAGES_MAX;
    for n in 0..count {
        log.append(message(0, Some(of(n))), 0);
    }
    let filter = |value: &str| {
        Filter::parse(&FieldTable::from([("x-stream-filter", FieldValue::from(value))])).unwrap()
    };
    let chunk = CHUNK_MESSAGES_MAX;
    assert_eq!(log.pass_over(0, &filter("a")), (0, chunk - 1));
    assert_eq!(log.pass_over(0, &filter("c")), (2 * chunk, 3 * chunk - 1));
    assert_eq!(log.pass_over(3 * chunk, &filter("c")), (5 * chunk, 6 * chunk - 1));
    assert_eq!(log.pass_over(7, &filter("nothing")), (count, 0));
}

#[test]
fn the_tail_is_what_memory_holds() {
    let mut log = log(3, 10);
    let of_one = log.tail_charge() / 10;
    log.shrink_tail(8, 4 * of_one);
    assert_eq!(offsets(&log), [6, 7, 8, 9]);
    log.shrink_tail(8, 0);
    assert_eq!(offsets(&log), [8, 9], "the rest is not stored yet");
    assert!(log.tail_from(7).is_none(), "on disk");
    let from = |offset| log.tail_from(offset).map(|kept| kept.map(|kept| kept.offset).collect::<Vec<_>>());
    assert_eq!((from(8), from(9), from(10)), (Some(vec![8, 9]), Some(vec![9]), Some(vec![])));
}

#[test]
fn a_restart_finds_the_chunks_again() {
    let before = log(3, 10);
    let chunks: Vec<Chunk> = before.chunks.iter().take(3).cloned().collect();
    let mut again = Log::new(3000, 16);
    again.restore(0, 10, chunks.clone());
    assert_eq!(again.next(), 9);
    again.append_at(9, message(1000, None), 9000);
    again.skip_to(10);
    assert_eq!((again.next(), again.bytes(), &again.chunks), (10, before.bytes(), &before.chunks));
    // A summary that is lost costs no message.
    let mut holed = Log::new(3000, 16);
    holed.restore(0, 9, chunks.into_iter().skip(1));
    assert_eq!((holed.first(), holed.chunks[0].first, holed.chunks[0].last), (0, 0, 2));
    let any = Filter::parse(&FieldTable::from([("x-stream-filter", FieldValue::from("x"))])).unwrap();
    assert_eq!(holed.pass_over(0, &any), (0, 2));
}

#[test]
fn offsets_that_a_crash_took_are_gone_past() {
    let mut holed = Log::new(1 << 30, 16);
    for offset in [0, 1, 5] {
        holed.append_at(offset, message(10, None), 0);
    }
    holed.skip_to(8);
    let from = |offset| holed.tail_from(offset).map(|kept| kept.map(|kept| kept.offset).collect::<Vec<_>>());
    assert_eq!((from(1), from(2), from(6)), (Some(vec![1, 5]), Some(vec![5]), Some(vec![])));
    assert_eq!((holed.next(), holed.chunks[0].messages()), (8, 6));
}
