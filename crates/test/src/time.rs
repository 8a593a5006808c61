//! Time passing, and waiting until nothing moves any more.

use crate::broker::TestBroker;
use crate::builder::Data;
use std::time::{Duration, Instant};
use tokio::runtime::{Handle, RuntimeFlavor};

/// Turns of every other task without a byte moving after which nothing is under way: more than the steps from any cause in the
/// broker (a timer, a queue, a mailbox, a connection) to the next bytes.
const QUIET_TURNS: usize = 48;
/// Where other threads take part, nothing may move for so long, twice.
const QUIET_TIME: Duration = Duration::from_millis(1);
/// Something that never rests is not waited for longer.
const SETTLE_MAX: Duration = Duration::from_secs(2);
/// Steps in which tokio's clock is moved along, at most.
const TOKIO_STEP: Duration = Duration::from_millis(500);

impl TestBroker {
    /// Lets `time` pass on the broker's clock, from one thing that is due to the next: what one sets off (a message that expires into
    /// a queue with a time to live of its own) sets its own clock at its own time. Returns when everything has settled.
    ///
    /// Deterministic in the current-thread flavour. A client's timers are not moved; see
    /// [`advance_with_tokio`](Self::advance_with_tokio).
    ///
    /// # Panics
    /// The broker was started with [`Builder::real_clock`](crate::Builder::real_clock).
    pub async fn advance(&self, time: Duration) {
        let clock = &self.0.hub.clock;
        assert!(clock.is_virtual(), "this test broker's clock is real: it cannot be moved");
        // What was sent before now is to count from now at the latest.
        self.settle().await;
        let target_ms = clock.now_ms() + time.as_millis() as u64;
        while let Some(due_ms) = clock.next_due_ms().filter(|due_ms| *due_ms <= target_ms) {
            clock.advance(Duration::from_millis(due_ms.saturating_sub(clock.now_ms())));
            self.quiet_turns().await;
        }
        clock.advance(Duration::from_millis(target_ms.saturating_sub(clock.now_ms())));
        self.settle().await;
    }

    /// Lets `time` pass on the broker's clock and on tokio's together, in steps of at most half a second, so that heartbeats of both
    /// sides, deadlines and back-off of clients come in their order. In a test with `start_paused = true`.
    ///
    /// # Panics
    /// Tokio's clock is not paused, or the broker's is real.
    pub async fn advance_with_tokio(&self, time: Duration) {
        let clock = &self.0.hub.clock;
        let target_ms = clock.now_ms() + time.as_millis() as u64;
        loop {
            let left = Duration::from_millis(target_ms.saturating_sub(clock.now_ms()));
            let due = clock.next_due_ms().map(|ms| Duration::from_millis(ms.saturating_sub(clock.now_ms())));
            let step = left.min(TOKIO_STEP).min(due.filter(|due| !due.is_zero()).unwrap_or(TOKIO_STEP));
            self.advance(step).await;
            if step.is_zero() {
                return;
            }
            tokio::time::advance(step).await;
            self.settle().await;
        }
    }

    /// Waits until nothing moves between clients and broker: every task had its turn many times and no byte went anywhere.
    ///
    /// Exact in the current-thread flavour for a broker in memory without sockets. Where other threads take part (several workers, a
    /// data folder, sockets), a few milliseconds of quiet have to do. Returns after 2 s at the latest.
    pub async fn settle(&self) {
        let began = Instant::now();
        loop {
            self.quiet_turns().await;
            if !self.involves_threads() || self.is_quiet_for_a_while().await || began.elapsed() > SETTLE_MAX {
                return;
            }
        }
    }

    async fn quiet_turns(&self) {
        let (hub, began) = (&self.0.hub, Instant::now());
        let (mut seen, mut turns) = (hub.activity(), 0);
        while turns < QUIET_TURNS {
            tokio::task::yield_now().await;
            turns += 1;
            if hub.activity() != seen && began.elapsed() < SETTLE_MAX {
                (seen, turns) = (hub.activity(), 0);
            }
        }
    }

    fn involves_threads(&self) -> bool {
        let current_thread = Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread;
        !current_thread || self.0.data != Data::Memory || self.0.hub.has_sockets()
    }

    async fn is_quiet_for_a_while(&self) -> bool {
        let seen = self.0.hub.activity();
        for _ in 0..2 {
            // Not a sleep of tokio's: a paused clock would run ahead.
            let _ = tokio::task::spawn_blocking(|| std::thread::sleep(QUIET_TIME)).await;
            tokio::task::yield_now().await;
        }
        let pending = self.0.hub.broker().map_or(0, |broker| broker.store_pending_bytes());
        pending == 0 && self.0.hub.activity() == seen
    }
}
