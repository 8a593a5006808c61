//! Heartbeats, moment by moment.

use leveret_protocol::{Heartbeat, HeartbeatAction};

use HeartbeatAction::{Dead, Send, WaitUntil};

#[derive(Clone, Copy)]
enum Event {
    Received,
    Sent,
    Nothing,
}

use Event::{Nothing, Received, Sent};

#[test]
fn a_minute_with_an_interval_of_ten_seconds() {
    let mut heartbeat = Heartbeat::new(10_000, 1_000);
    for (now_ms, event, expected) in [
        (1_000, Nothing, WaitUntil(6_000)),
        (5_999, Nothing, WaitUntil(6_000)),
        (6_000, Nothing, Send),
        (6_001, Sent, WaitUntil(11_001)),
        // Any byte sent puts the heartbeat off.
        (9_000, Sent, WaitUntil(14_000)),
        (14_000, Nothing, Send),
        (14_000, Sent, WaitUntil(19_000)),
        // Two intervals after the start without a byte.
        (20_999, Sent, WaitUntil(21_000)),
        (21_000, Nothing, Dead),
        (21_000, Received, WaitUntil(25_999)),
        (25_999, Sent, WaitUntil(30_999)),
        (30_999, Sent, WaitUntil(35_999)),
        (35_999, Sent, WaitUntil(40_999)),
        (40_999, Sent, WaitUntil(41_000)),
        (41_000, Nothing, Dead),
    ] {
        match event {
            Received => heartbeat.on_received(now_ms),
            Sent => heartbeat.on_sent(now_ms),
            Nothing => {}
        }
        assert_eq!(heartbeat.poll(now_ms), expected, "at {now_ms} ms");
    }
}

#[test]
fn an_interval_of_zero_is_none() {
    let heartbeat = Heartbeat::new(0, 5);
    assert_eq!(heartbeat.poll(5), WaitUntil(u64::MAX));
    assert_eq!(heartbeat.poll(u64::MAX), WaitUntil(u64::MAX));
}

#[test]
fn no_time_is_too_late_to_count() {
    let heartbeat = Heartbeat::new(65_535_000, u64::MAX - 1);
    assert_eq!(heartbeat.poll(u64::MAX - 1), WaitUntil(u64::MAX));
}
