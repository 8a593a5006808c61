use super::*;
use crate::message::Parts;
use leveret_protocol::{Properties, RawProperties};

pub(super) fn message(text: &str, priority: Option<u8>) -> Message {
    let mut raw = Vec::new();
    Properties { priority, ..Properties::default() }.encode(&mut raw);
    let properties = RawProperties::parse(&raw).unwrap();
    let parts = Parts { exchange: b"", routing_key: b"q", properties };
    Message::new(parts, text.as_bytes().to_vec().into(), None, 1)
}

pub(super) fn push(backlog: &mut Backlog, message: Message, expires_ms: u64) {
    let (position, level) = (backlog.pass(), backlog.level_of(&message));
    let stored = Stored::NO;
    backlog.push(
        level,
        Entry { position, expires_ms, past: Past::default(), redelivered: false, stored, message },
    );
}

fn drain(backlog: &mut Backlog) -> String {
    let mut all = String::new();
    while let Some(entry) = backlog.pop() {
        all.push_str(std::str::from_utf8(entry.message.body()).unwrap());
    }
    all
}

#[test]
fn what_comes_back_returns_to_its_place_in_any_order() {
    let mut backlog = Backlog::new(None);
    for text in ["a", "b", "c", "d", "e"] {
        push(&mut backlog, message(text, None), u64::MAX);
    }
    let mut taken: Vec<Entry> = (0..4).filter_map(|_| backlog.pop()).collect();
    let d = taken.remove(3);
    let b = taken.remove(1);
    backlog.put_back(d);
    backlog.put_back(b);
    assert_eq!((backlog.len(), backlog.body_bytes()), (3, 3));
    assert_eq!(drain(&mut backlog), "bde");
    assert_eq!((backlog.len(), backlog.body_bytes()), (0, 0));
}

#[test]
fn higher_priorities_leave_first() {
    let mut backlog = Backlog::new(Some(5));
    for (text, priority) in [("a", None), ("b", Some(3)), ("c", Some(9)), ("d", Some(3)), ("e", Some(0))] {
        push(&mut backlog, message(text, priority), u64::MAX);
    }
    assert_eq!(drain(&mut backlog), "cbdae");
}

#[test]
fn only_heads_expire() {
    let mut backlog = Backlog::new(None);
    push(&mut backlog, message("a", None), 10);
    push(&mut backlog, message("b", None), u64::MAX);
    push(&mut backlog, message("c", None), 5);
    assert_eq!(backlog.next_expiry_ms(), Some(10));
    assert!(backlog.pop_expired(9).is_none());
    assert_eq!(backlog.pop_expired(10).unwrap().message.body(), b"a");
    assert!(backlog.pop_expired(100).is_none());
    assert_eq!(backlog.next_expiry_ms(), None);
}

#[test]
fn what_is_on_disk_comes_after_its_level_and_before_lower_ones() {
    let mut backlog = Backlog::new(Some(1));
    push(&mut backlog, message("low", None), u64::MAX);
    let position = backlog.pass();
    backlog.push_cold(1, position, 3);
    assert_eq!((backlog.len(), backlog.cold_len(), backlog.body_bytes()), (2, 1, 6));
    assert_eq!(backlog.front(), Front::OnDisk(1));
    assert!(backlog.pop().is_none(), "the lower level waits for the higher one");
    let message = message("top", Some(1));
    let stored = Stored::at(1, true);
    backlog.warm(
        1,
        Entry { position, expires_ms: u64::MAX, past: Past::default(), redelivered: false, stored, message },
    );
    assert_eq!((backlog.len(), backlog.cold_len(), backlog.body_bytes()), (2, 0, 6));
    assert_eq!(drain(&mut backlog), "toplow");
    assert_eq!((backlog.len(), backlog.body_bytes()), (0, 0));
}

#[test]
fn clearing_names_the_range_on_disk() {
    let mut backlog = Backlog::new(None);
    backlog.adopt(0, 10, 100, 50);
    push(&mut backlog, message("x", None), u64::MAX);
    let (memory, disk) = backlog.clear();
    assert_eq!(memory.len(), 1);
    assert_eq!(disk, [Cleared { level: 0, first: 1, last: 50, count: 10 }]);
    assert_eq!(
        (backlog.len(), backlog.cold_len(), backlog.body_bytes(), backlog.front()),
        (0, 0, 0, Front::Empty)
    );
    assert_eq!(backlog.pass(), 52);
}
