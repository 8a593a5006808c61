//! The small runtime that a command runs in, and how it is told to stop.

use crate::failure::{Failure, Outcome};
use tokio::signal::unix::{SignalKind, signal};

/// Runs a command that waits for a broker.
pub(crate) fn run(work: impl Future<Output = Outcome>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::new(format!("cannot start: {error}")))?.block_on(work)
}

/// Is over when Ctrl-C or SIGTERM asks to stop.
pub(crate) async fn interrupted() {
    let Ok(mut terminated) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
}
