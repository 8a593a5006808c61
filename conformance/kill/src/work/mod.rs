//! The load: publishers, consumers and somebody who declares and deletes, each with a connection and a thread of its own.

mod consumer;
mod definitions;
mod mover;
mod publisher;
mod streamer;

pub(crate) use definitions::Definitions;
pub(crate) use streamer::{Streamed, look};

use crate::client::{Client, Event, Trouble};
use crate::ledger::Ledger;
use crate::random::Random;
use crate::topology::*;
use consumer::{ConsumerPlan, Habit};
use parking_lot::Mutex;
use publisher::PublisherPlan;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::Duration;

/// What all workers of a round share.
pub(crate) struct Round {
    pub(crate) address: SocketAddr,
    pub(crate) ledger: Mutex<Ledger>,
    /// What is known of the stream, which nobody empties.
    pub(crate) streamed: Mutex<Streamed>,
    /// The broker is being killed: connections may end.
    pub(crate) killing: AtomicBool,
    /// Workers hang up as soon as they can.
    pub(crate) stopping: AtomicBool,
    /// What went wrong besides the ledger's rules.
    pub(crate) failures: Mutex<Vec<String>>,
}

impl Round {
    fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    pub(crate) fn fail(&self, who: &str, trouble: &Trouble) {
        self.failures.lock().push(format!("{who}: {trouble}"));
    }

    /// What a worker's end means: connections may end when the broker is killed, and only then.
    fn ended(&self, who: &str, end: &Result<(), Trouble>) {
        match end {
            Ok(()) => {}
            Err(Trouble::Gone(_)) if self.killing.load(Ordering::Acquire) => {}
            Err(trouble) => self.fail(who, trouble),
        }
    }
}

/// Reads what the broker had said before its connection ended.
fn leftovers(client: &mut Client, mut each: impl FnMut(Event)) {
    while let Ok(Some(event)) = client.event(Duration::from_secs(5)) {
        each(event);
    }
}

/// Bodies: mostly small, some of several pages, a few of several frames.
fn body_length(random: &mut Random) -> u32 {
    let length = match random.below(1000) {
        0..=899 => random.between(32, 300),
        900..=979 => random.between(1_000, 9_000),
        980..=996 => random.between(16_000, 40_000),
        _ => random.between(130_000, 300_000),
    };
    length as u32
}

/// Starts the whole load of a round. Who publishes is numbered the same in every round.
pub(crate) fn start<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    round: &'env Round,
    definitions: &'env mut Definitions,
    random: &Random,
) -> Vec<ScopedJoinHandle<'scope, ()>> {
    let plain = PublisherPlan {
        slot: 0,
        routes: &[],
        window: 100,
        batch: 20,
        pause_us: 2000,
        transient: 0,
        tx: false,
    };
    let publishers = [
        PublisherPlan { slot: 0, routes: &[TO_ONE], window: 300, batch: 40, transient: 5, ..plain },
        PublisherPlan { slot: 1, routes: &[TO_FAN], window: 200, ..plain },
        PublisherPlan { slot: 2, routes: &[TO_PRIORITY], window: 50, pause_us: 3000, ..plain },
        PublisherPlan { slot: 3, routes: &[TO_QUORUM, TO_REJECTED], ..plain },
        PublisherPlan { slot: 4, routes: &[TO_ONE, TO_FAN, TO_MANY], batch: 15, tx: true, ..plain },
        PublisherPlan { slot: 5, routes: &[TO_MANY], window: 1, batch: 1, pause_us: 0, ..plain },
        PublisherPlan {
            slot: 6,
            routes: &[TO_TX_IN, TO_PARKED],
            window: 100,
            batch: 10,
            pause_us: 3000,
            ..plain
        },
        PublisherPlan { slot: 8, routes: &[TO_RETRY, TO_LATER], batch: 10, transient: 3, ..plain },
        PublisherPlan { slot: 7, routes: &[TO_FAN, TO_QUORUM, TO_MANY, TO_PRIORITY], batch: 8, ..plain },
    ];
    let plain = ConsumerPlan {
        queue: 0,
        prefetch: 50,
        habit: Habit::Single,
        reject: 0,
        requeue: 0,
        close: 0,
        tx: false,
    };
    let mut choices = random.split(1000);
    let mut consumers = vec![
        ConsumerPlan { queue: ONE, prefetch: 100, habit: Habit::Multiple, ..plain },
        ConsumerPlan { queue: FAN_A, habit: Habit::Multiple, ..plain },
        ConsumerPlan { queue: FAN_B, prefetch: 0, ..plain },
        ConsumerPlan { queue: FAN_C, habit: Habit::Get, ..plain },
        ConsumerPlan { queue: PRIORITY, prefetch: choices.between(1, 20) as u16, ..plain },
        ConsumerPlan { queue: QUORUM, prefetch: 20, requeue: 12, ..plain },
        ConsumerPlan { queue: REJECTED, prefetch: 30, reject: 30, requeue: 5, ..plain },
        ConsumerPlan { queue: TX_OUT, tx: true, ..plain },
        ConsumerPlan { queue: MANY, prefetch: 10, requeue: 15, close: 4, ..plain },
        ConsumerPlan { queue: MANY, prefetch: 3, requeue: 15, ..plain },
        ConsumerPlan { queue: RETRY, prefetch: 20, reject: 2, requeue: 30, close: 2, ..plain },
        ConsumerPlan { queue: LATER, prefetch: 40, requeue: 5, ..plain },
        ConsumerPlan { queue: DEAD, habit: Habit::Multiple, ..plain },
    ];
    // Lines are as long as the queue's promise is tested: alone, in company, or with nobody.
    if choices.percent(50) {
        consumers.push(ConsumerPlan { queue: ONE, prefetch: 10, ..plain });
    }
    if choices.percent(50) {
        consumers.push(ConsumerPlan { queue: QUORUM, prefetch: 5, requeue: 20, ..plain });
    }
    if choices.percent(30) {
        consumers.push(ConsumerPlan { queue: PARKED, prefetch: 200, habit: Habit::Multiple, ..plain });
    }
    consumers.retain(|_| !choices.percent(8));

    let mut handles = Vec::new();
    for plan in publishers {
        let random = random.split(u64::from(plan.slot));
        handles.push(scope.spawn(move || publisher::run(round, plan, random)));
    }
    for (number, plan) in consumers.into_iter().enumerate() {
        let random = random.split(100 + number as u64);
        handles.push(scope.spawn(move || consumer::run(round, plan, random)));
    }
    handles.push(scope.spawn(move || streamer::run(round)));
    let mover_random = random.split(200);
    handles.push(scope.spawn(move || mover::run(round, mover_random)));
    let definitions_random = random.split(300);
    handles.push(scope.spawn(move || definitions.run(round, definitions_random)));
    handles
}
