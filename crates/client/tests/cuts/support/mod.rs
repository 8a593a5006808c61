//! What all of these tests use: a deadline on tokio's clock, and one on the machine's as the last resort.

mod got;
pub(crate) mod open;
pub(crate) mod peer;

use std::sync::mpsc;
use std::time::Duration;

use leveret_client::ConnectOptions;
use leveret_client::options::{BackoffOptions, Jitter, RecoveryOptions};
use tokio::time::{Instant, timeout};

/// No test runs longer on a real clock, whatever happens: a task that spins keeps a paused clock from moving.
const REAL_TIME_MAX: Duration = Duration::from_secs(100);

/// Awaits it for so long on tokio's clock; gives how long it took as well.
#[track_caller]
pub(crate) fn within<T>(
    most: Duration,
    what: impl Future<Output = T>,
) -> impl Future<Output = (T, Duration)> {
    let place = std::panic::Location::caller();
    async move {
        let began = Instant::now();
        match timeout(most, what).await {
            Ok(value) => (value, began.elapsed()),
            Err(_) => panic!("{place}: it hangs: not done within {most:?}"),
        }
    }
}

/// Ends the process if the test does not end; keep it until it does.
pub(crate) struct Watchdog(#[allow(dead_code, reason = "dropping it is the message")] mpsc::Sender<()>);

pub(crate) fn watchdog(what: &'static str) -> Watchdog {
    let (alive, ended) = mpsc::channel::<()>();
    std::thread::spawn(move || {
        if ended.recv_timeout(REAL_TIME_MAX) == Err(mpsc::RecvTimeoutError::Timeout) {
            eprintln!("{what}: did not end within {REAL_TIME_MAX:?} of real time");
            std::process::abort();
        }
    });
    Watchdog(alive)
}

/// Seconds.
pub(crate) const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Milliseconds.
pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Deadlines of their own size, so that a test sees by the time which one it was; pauses are exactly 100 ms.
pub(crate) fn options() -> ConnectOptions {
    let backoff = BackoffOptions::default().first(ms(100)).max(ms(100)).jitter(Jitter::None);
    ConnectOptions::default()
        .connect_timeout(s(3))
        .operation_timeout(s(7))
        .heartbeat(Duration::ZERO)
        .recovery(RecoveryOptions::default().backoff(backoff))
}
