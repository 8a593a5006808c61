//! Time: the test broker's and tokio's virtual clock, or the machine's, where a test's seconds take [`SECOND`].

use std::panic::Location;
use std::time::Duration;

use super::{Home, SECOND, WITHIN};

impl Home {
    /// Pauses tokio's clock, where the broker's is virtual as well.
    pub(crate) fn pause_clock(&self) {
        if !self.is_real() {
            tokio::time::pause();
        }
    }

    /// So many seconds of a test.
    pub(crate) fn span(&self, seconds: u32) -> Duration {
        seconds * if self.is_real() { SECOND } else { Duration::from_secs(1) }
    }

    pub(crate) fn spans<const N: usize>(&self, seconds: [u32; N]) -> [Duration; N] {
        seconds.map(|seconds| self.span(seconds))
    }

    /// Sleeps for so many seconds of a test, on tokio's clock.
    pub(crate) async fn sleep(&self, seconds: u32) {
        tokio::time::sleep(self.span(seconds)).await;
    }

    /// Whether something took so many seconds of a test: to the second on a virtual clock; on the machine's no less, but for what a look
    /// at its beginning may be late.
    pub(crate) fn took(&self, time: Duration, seconds: u32) -> bool {
        let (least, most) = (self.span(seconds), self.span(seconds + 1));
        if self.is_real() {
            time + SECOND / 2 >= least && time < most + WITHIN
        } else {
            (least..most).contains(&time)
        }
    }

    /// Lets so many seconds pass at the broker.
    pub(crate) async fn advance(&self, seconds: u32) {
        self.pass(self.span(seconds)).await;
    }

    /// The same for any time.
    pub(crate) async fn pass(&self, time: Duration) {
        match self {
            Self::Test(broker) => broker.advance(time).await,
            Self::Real(_) => tokio::time::sleep(time).await,
        }
    }

    /// Lets a pause of so many seconds pass at the broker, during which `holds` has to hold. On the machine's clock nobody knows when it
    /// began: whoever is called notes when, see [`took`](Self::took).
    #[track_caller]
    pub(crate) fn pause_over(
        &self,
        seconds: u32,
        mut holds: impl FnMut() -> bool,
    ) -> impl Future<Output = ()> {
        let place = Location::caller();
        async move {
            let little = Duration::from_millis(30);
            if !self.is_real() {
                self.pass(self.span(seconds) - little).await;
                assert!(holds(), "{place}: not before {seconds} s are over");
                self.pass(little + Duration::from_millis(10)).await;
            }
        }
    }

    /// Lets the pause of so many seconds pass that a message of this queue has, or will have in a moment, before its next attempt.
    pub(crate) async fn retry_of(&self, queue: &str, seconds: u32) {
        if let Self::Test(broker) = self {
            let waits = || broker.queue(queue).is_some_and(|q| q.counters.retried > 0 || q.ready > 0);
            broker.eventually("it is tried again", waits).await;
            broker.settle().await;
        }
        self.advance(seconds).await;
    }

    /// Until nothing moves any more; at a broker that runs somewhere, a moment.
    pub(crate) async fn settle(&self) {
        match self {
            Self::Test(broker) => broker.settle().await,
            Self::Real(_) => tokio::time::sleep(3 * SECOND).await,
        }
    }
}
