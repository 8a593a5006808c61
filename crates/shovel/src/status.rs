//! What may be seen of shovels.

use crate::spec::Spec;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What a shovel is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// It connects, or waits until it tries again; why, if an attempt failed.
    Starting {
        /// Why the last attempt failed.
        reason: Option<String>,
    },
    /// It carries messages.
    Running {
        /// The source's URI, without user and password.
        src_uri: String,
        /// The target's.
        dest_uri: String,
    },
    /// It has ended: for good, or until it tries again.
    Terminated {
        /// Why.
        reason: String,
    },
}

/// Counts since the shovel was set or the broker started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Figures {
    /// Messages that the source was told are done; with `no-ack`, that were written to the target.
    pub forwarded: u64,
    /// Messages at the target that are not confirmed yet.
    pub pending: u64,
    /// Messages of an exchange that no queue took there. They are in `forwarded`.
    pub unroutable: u64,
    /// Messages until it deletes itself, if it does.
    pub remaining: Option<u64>,
}

/// One shovel.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Status {
    /// The virtual host of its parameter.
    pub vhost: String,
    /// Its name.
    pub name: String,
    /// What it does.
    pub state: State,
    /// Since when, in milliseconds since 1970.
    pub since_unix_ms: u64,
    /// What it is to do; `None`: its parameter cannot be read.
    pub spec: Option<Arc<Spec>>,
    /// Counts.
    pub figures: Figures,
}

/// The same while it changes.
#[derive(Debug)]
pub(crate) struct Board {
    pub(crate) vhost: String,
    pub(crate) name: String,
    state: Mutex<(State, u64)>,
    pub(crate) forwarded: AtomicU64,
    pub(crate) pending: AtomicU64,
    pub(crate) unroutable: AtomicU64,
    /// `u64::MAX`: it goes on for ever.
    pub(crate) remaining: AtomicU64,
}

impl Board {
    pub(crate) fn new(vhost: &str, name: &str, now_ms: u64) -> Self {
        Self {
            vhost: vhost.into(),
            name: name.into(),
            state: Mutex::new((State::Starting { reason: None }, now_ms)),
            forwarded: AtomicU64::new(0),
            pending: AtomicU64::new(0),
            unroutable: AtomicU64::new(0),
            remaining: AtomicU64::new(u64::MAX),
        }
    }

    pub(crate) fn set(&self, state: State, now_ms: u64) {
        *self.state.lock() = (state, now_ms);
    }

    pub(crate) fn status(&self, spec: Option<Arc<Spec>>) -> Status {
        let (state, since_unix_ms) = self.state.lock().clone();
        let figures = Figures {
            forwarded: self.forwarded.load(Relaxed),
            pending: self.pending.load(Relaxed),
            unroutable: self.unroutable.load(Relaxed),
            remaining: Some(self.remaining.load(Relaxed)).filter(|left| *left != u64::MAX),
        };
        Status { vhost: self.vhost.clone(), name: self.name.clone(), state, since_unix_ms, spec, figures }
    }
}
