use std::collections::BTreeMap;

use proptest::prelude::*;

use super::Settlement::{Ack, Nack, Reject};
use super::*;

const fn frame(kind: Settlement, tag: u64, multiple: bool) -> SettleFrame {
    SettleFrame { kind, tag, multiple }
}

fn with(prefetch: u16, deliveries: u64) -> Coalescer {
    let mut acks = Coalescer::new(prefetch);
    (1..=deliveries).for_each(|tag| acks.delivered(tag));
    acks
}

#[test]
fn what_is_settled_in_which_order_gives_which_frames() {
    let requeue = Nack { requeue: true };
    let reject = Reject { requeue: false };
    type Row<'a> = (&'a str, &'a [(u64, Settlement)], &'a [SettleFrame]);
    let rows: [Row<'_>; 9] = [
        ("one", &[(1, Ack)], &[frame(Ack, 1, false)]),
        ("in order", &[(1, Ack), (2, Ack), (3, Ack)], &[frame(Ack, 3, true)]),
        ("backwards", &[(3, Ack), (2, Ack), (1, Ack)], &[frame(Ack, 3, true)]),
        ("a hole", &[(1, Ack), (3, Ack)], &[frame(Ack, 1, false), frame(Ack, 3, false)]),
        (
            "never over what is not finished",
            &[(2, Ack), (3, Ack)],
            &[frame(Ack, 2, false), frame(Ack, 3, false)],
        ),
        (
            "a nack does not wait",
            &[(1, Ack), (2, requeue), (3, Ack)],
            &[frame(requeue, 2, false), frame(Ack, 3, true)],
        ),
        ("a nack ends the run", &[(1, Ack), (2, reject)], &[frame(reject, 2, false), frame(Ack, 1, false)]),
        ("a nack first", &[(1, requeue), (2, Ack)], &[frame(requeue, 1, false), frame(Ack, 2, false)]),
        ("nothing", &[], &[]),
    ];
    for (name, settled, expected) in rows {
        let (mut acks, mut out) = (with(100, 5), Vec::new());
        for (tag, kind) in settled {
            acks.settle(0, *tag, *kind, Instant::now(), &mut out).unwrap();
        }
        acks.flush(&mut out);
        assert_eq!(out, expected, "{name}");
        assert_eq!(
            (acks.waiting(), acks.deadline(), acks.outstanding()),
            (0, None, 5 - settled.len()),
            "{name}"
        );
    }
}

#[test]
fn half_the_prefetch_is_written_at_once() {
    for (prefetch, acked) in [(1, 1), (2, 1), (3, 1), (10, 5), (11, 5), (0, 512)] {
        let (mut acks, mut out) = (with(prefetch, 1000), Vec::new());
        for tag in 1..=acked {
            assert_eq!(out, [], "prefetch {prefetch}, before the ack of {tag}");
            acks.settle(0, tag, Ack, Instant::now(), &mut out).unwrap();
        }
        assert_eq!(out, [frame(Ack, acked, acked > 1)], "prefetch {prefetch}");
    }
}

#[test]
fn no_ack_waits_longer_than_ten_milliseconds() {
    let (mut acks, mut out, start) = (with(100, 3), Vec::new(), Instant::now());
    acks.settle(0, 1, Ack, start, &mut out).unwrap();
    acks.settle(0, 2, Ack, start + Duration::from_millis(9), &mut out).unwrap();
    assert_eq!(acks.deadline(), Some(start + ACK_DELAY_MAX), "the first one counts");
    acks.on_timer(start + Duration::from_millis(9), &mut out);
    assert_eq!(out, []);
    acks.on_timer(start + ACK_DELAY_MAX, &mut out);
    assert_eq!((out, acks.deadline()), (vec![frame(Ack, 2, true)], None));
}

#[test]
fn settling_twice_too_early_or_too_late_is_an_error_and_writes_nothing() {
    let (mut acks, mut out, now) = (with(100, 3), Vec::new(), Instant::now());
    acks.settle(0, 1, Ack, now, &mut out).unwrap();
    acks.settle(0, 3, Ack, now, &mut out).unwrap();
    for (epoch, tag, error) in [
        (0, 1, SettleError::AlreadySettled(1)),
        (0, 3, SettleError::AlreadySettled(3)),
        (0, 4, SettleError::Unknown(4)),
        (0, 0, SettleError::Unknown(0)),
        (0, u64::MAX, SettleError::Unknown(u64::MAX)),
        (9, 2, SettleError::Stale { tag: 2, epoch: 9, now: 0 }),
    ] {
        assert_eq!(acks.settle(epoch, tag, Nack { requeue: true }, now, &mut out), Err(error));
        assert_eq!(acks.settle_through(epoch, tag, Ack, &mut out), Err(error));
    }
    assert_eq!(out, []);
    assert_eq!(acks.reset(), 3, "one unsettled, two with acks unwritten");
    assert_eq!((acks.epoch(), acks.outstanding(), acks.waiting(), acks.deadline()), (1, 0, 0, None));
    acks.delivered(1);
    assert_eq!(acks.settle(0, 1, Ack, now, &mut out), Err(SettleError::Stale { tag: 1, epoch: 0, now: 1 }));
    assert_eq!(acks.settle(1, 1, Ack, now, &mut out), Ok(()));
}

#[test]
fn deliveries_without_acks_leave_gaps() {
    let (mut acks, mut out, now) = (Coalescer::new(100), Vec::new(), Instant::now());
    acks.delivered(u64::MAX);
    [3, 4, 7, 7, 2].into_iter().for_each(|tag| acks.delivered(tag));
    acks.delivered(u64::MAX);
    assert_eq!(acks.outstanding(), 3);
    for tag in [3, 7, 4] {
        acks.settle(0, tag, Ack, now, &mut out).unwrap();
    }
    acks.flush(&mut out);
    assert_eq!(out, [frame(Ack, 7, true)]);
    assert_eq!(acks.settle(0, 5, Ack, now, &mut out), Err(SettleError::AlreadySettled(5)));
}

#[test]
fn settling_through_takes_all_below_and_nothing_above() {
    let (mut acks, mut out, now) = (with(100, 6), Vec::new(), Instant::now());
    acks.settle(0, 2, Ack, now, &mut out).unwrap();
    acks.settle(0, 5, Ack, now, &mut out).unwrap();
    assert_eq!(acks.settle_through(0, 3, Ack, &mut out), Ok(2));
    assert_eq!(out, [frame(Ack, 3, true), frame(Ack, 5, false)]);
    out.clear();
    assert_eq!(acks.settle_through(0, 6, Nack { requeue: true }, &mut out), Ok(2));
    assert_eq!(
        (out, acks.outstanding(), acks.states.len()),
        (vec![frame(Nack { requeue: true }, 6, true)], 0, 0)
    );

    let (mut acks, mut out) = (with(100, 3), Vec::new());
    acks.settle(0, 1, Ack, now, &mut out).unwrap();
    assert_eq!(acks.settle_through(0, 3, Reject { requeue: false }, &mut out), Ok(2));
    let reject = Reject { requeue: false };
    assert_eq!(out, [frame(Ack, 1, false), frame(reject, 2, false), frame(reject, 3, false)]);
}

/// What a broker does with the frames: everything outstanding, and what became of the rest.
#[derive(Default)]
struct Broker {
    outstanding: BTreeMap<u64, ()>,
    settled: BTreeMap<u64, Settlement>,
}

impl Broker {
    fn take(&mut self, frames: &mut Vec<SettleFrame>) {
        for SettleFrame { kind, tag, multiple } in frames.drain(..) {
            assert!(
                self.outstanding.contains_key(&tag),
                "{tag} is not outstanding: the channel would be closed"
            );
            let low = if multiple { 0 } else { tag };
            let covered: Vec<u64> = self.outstanding.range(low..=tag).map(|(tag, ())| *tag).collect();
            for tag in covered {
                self.outstanding.remove(&tag);
                self.settled.insert(tag, kind);
            }
        }
    }
}

#[derive(Debug, Clone)]
enum Op {
    Deliver(u64),
    Settle(u64, Settlement),
    Through(u64, Settlement),
    Wait(u64),
    Flush,
    Reset,
}

fn settlement() -> impl Strategy<Value = Settlement> {
    prop_oneof![
        6 => Just(Ack),
        1 => any::<bool>().prop_map(|requeue| Nack { requeue }),
        1 => any::<bool>().prop_map(|requeue| Reject { requeue }),
    ]
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        8 => prop_oneof![5 => Just(1), 1 => 2u64..4].prop_map(Op::Deliver),
        8 => (0u64..12, settlement()).prop_map(|(back, kind)| Op::Settle(back, kind)),
        1 => (0u64..12, settlement()).prop_map(|(back, kind)| Op::Through(back, kind)),
        2 => (0u64..12).prop_map(Op::Wait),
        1 => Just(Op::Flush),
        1 => Just(Op::Reset),
    ];
    proptest::collection::vec(op, 0..200)
}

proptest! {
    /// The broker ends up with exactly the application's decisions, no frame names what is not outstanding, and no ack is late.
    #[test]
    fn the_broker_learns_what_was_decided(prefetch in 0u16..12, ops in ops()) {
        let (mut acks, mut broker, mut out) = (Coalescer::new(prefetch), Broker::default(), Vec::new());
        let mut decided: BTreeMap<u64, Option<Settlement>> = BTreeMap::new();
        let (mut last, mut epoch, mut now) = (0, 0, Instant::now());
        let mut oldest: Option<Instant> = None;
        for op in ops {
            match op {
                Op::Deliver(step) => {
                    last += step;
                    acks.delivered(last);
                    broker.outstanding.insert(last, ());
                    decided.insert(last, None);
                }
                Op::Settle(back, kind) => {
                    let Some(tag) = last.checked_sub(back).filter(|tag| *tag > 0) else { continue };
                    let fine = decided.get(&tag) == Some(&None);
                    prop_assert_eq!(acks.settle(epoch, tag, kind, now, &mut out).is_ok(), fine);
                    if fine {
                        decided.insert(tag, Some(kind));
                        oldest.get_or_insert(now);
                    }
                }
                Op::Through(back, kind) => {
                    let Some(tag) = last.checked_sub(back).filter(|tag| *tag > 0) else { continue };
                    let fine = decided.get(&tag) == Some(&None);
                    let open = decided.range_mut(..=tag).filter(|(_, kind)| fine && kind.is_none());
                    let count = open.map(|(_, decided)| *decided = Some(kind)).count();
                    prop_assert_eq!(acks.settle_through(epoch, tag, kind, &mut out).ok(), fine.then_some(count));
                }
                Op::Wait(ms) => {
                    now += Duration::from_millis(ms);
                    acks.on_timer(now, &mut out);
                }
                Op::Flush => acks.flush(&mut out),
                Op::Reset => {
                    let again = broker.outstanding.len();
                    prop_assert_eq!(acks.reset(), again);
                    (broker, decided, last, epoch) = (Broker::default(), BTreeMap::new(), 0, epoch + 1);
                }
            }
            broker.take(&mut out);
            for (tag, kind) in &broker.settled {
                prop_assert_eq!(decided.get(tag), Some(&Some(*kind)), "tag {}", tag);
            }
            let open = decided.values().filter(|kind| kind.is_none()).count();
            let waiting = broker.outstanding.len() - open;
            prop_assert_eq!((acks.outstanding(), acks.waiting()), (open, waiting));
            prop_assert!(waiting < gathered_max(prefetch));
            if waiting == 0 {
                oldest = None;
            }
            prop_assert_eq!(acks.deadline().is_some(), waiting > 0);
            prop_assert!(oldest.is_none_or(|oldest| now < oldest + ACK_DELAY_MAX || waiting == 0));
            prop_assert!(acks.early.len() <= acks.states.len() + gathered_max(prefetch));
        }
        acks.flush(&mut out);
        broker.take(&mut out);
        let settled: BTreeMap<u64, Settlement> = decided.into_iter().filter_map(|(tag, kind)| Some((tag, kind?))).collect();
        prop_assert_eq!(broker.settled, settled);
    }
}
