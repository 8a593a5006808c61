//! Whether the parts of an application are at work, for whoever decides whether it gets some.

use std::fmt;
use std::sync::{Arc, OnceLock};

use tokio_util::sync::CancellationToken;

/// A worker or a relay.
#[derive(Debug, Clone)]
pub(super) struct Part {
    name: String,
    pub(super) started: CancellationToken,
    pub(super) ended: CancellationToken,
}

impl Part {
    pub(super) fn new(name: String) -> Self {
        Self { name, started: CancellationToken::new(), ended: CancellationToken::new() }
    }

    fn is_at_work(&self) -> bool {
        self.started.is_cancelled() && !self.ended.is_cancelled()
    }
}

/// How an [`App`](super::App) is; from [`App::health`](super::App::health). Clones are the same, and follow it.
#[derive(Debug, Clone)]
pub struct AppHealth {
    pub(super) parts: Vec<Part>,
    pub(super) stop: Arc<OnceLock<CancellationToken>>,
}

impl AppHealth {
    /// Whether all parts are at work: each worker has its consumer, each relay its channel, none has ended, and the application is
    /// not stopping. Of the connections [`Health`](crate::Health) tells.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.is_stopping() && self.parts.iter().all(Part::is_at_work)
    }

    /// Whether it was told to stop, or stops because a part failed.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stop.get().is_some_and(CancellationToken::is_cancelled)
    }
}

/// `stopping`, or each part with its state.
impl fmt::Display for AppHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_stopping() {
            f.write_str("stopping, ")?;
        }
        for (at, part) in self.parts.iter().enumerate() {
            let state = match (part.started.is_cancelled(), part.ended.is_cancelled()) {
                (_, true) => "ended",
                (true, false) => "at work",
                (false, false) => "not started",
            };
            write!(f, "{}{} {state}", if at > 0 { ", " } else { "" }, part.name)?;
        }
        Ok(())
    }
}
