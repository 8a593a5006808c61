//! What parts tell whoever watches them: things that leave no trace in their databases.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// Something worth counting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Told {
    /// An attempt failed and is to be repeated.
    Retry,
    /// A message came that was handled before.
    Duplicate,
    /// A dead letter: somebody should look.
    Alert { order: i64, why: String },
}

type Listener = dyn Fn(Told) + Send + Sync;

/// Hands on what is told.
#[derive(Clone)]
pub(crate) struct Teller(Arc<Listener>);

impl Teller {
    /// To the one who watches, in this process.
    pub(crate) fn to(tally: &Arc<Mutex<Tally>>) -> Self {
        let tally = tally.clone();
        Self(Arc::new(move |told| tally.lock().note(told)))
    }

    /// To the parent process, a line each: what is in the pipe outlives a kill.
    pub(crate) fn to_stdout() -> Self {
        Self(Arc::new(|told| {
            if let Ok(line) = serde_json::to_string(&told) {
                // Whoever closed the pipe has stopped listening.
                let _ = writeln!(std::io::stdout().lock(), "{line}");
            }
        }))
    }

    pub(crate) fn tell(&self, told: Told) {
        (self.0)(told);
    }
}

/// What was told so far.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) retries: u64,
    pub(crate) duplicates: u64,
    pub(crate) alerts: Vec<(i64, String)>,
    /// When something was told last.
    pub(crate) last: Instant,
}

impl Default for Tally {
    fn default() -> Self {
        Self { retries: 0, duplicates: 0, alerts: Vec::new(), last: Instant::now() }
    }
}

impl Tally {
    pub(crate) fn note(&mut self, told: Told) {
        self.last = Instant::now();
        match told {
            Told::Retry => self.retries += 1,
            Told::Duplicate => self.duplicates += 1,
            Told::Alert { order, why } => self.alerts.push((order, why)),
        }
    }
}
