//! The HTTP APIs of a broker's nodes: whichever answers will do.

use crate::http::{Api, HttpError};
use serde_json::Value;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One for each node, and which of them answered last.
pub(super) struct Apis {
    all: Vec<Api>,
    at: AtomicUsize,
}

impl Apis {
    /// `None` if there is none.
    pub(super) fn new(all: Vec<Api>) -> Option<Apis> {
        (!all.is_empty()).then(|| Apis { all, at: AtomicUsize::new(0) })
    }

    /// What is found at a path below `/api/`.
    pub(super) fn get(&self, path: &str) -> Result<Value, HttpError> {
        self.send("GET", path, None)
    }

    /// Sends JSON. A node that cannot be reached is passed over: what a migration sends may be sent twice.
    pub(super) fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, HttpError> {
        let first = self.at.load(Ordering::Relaxed);
        let mut answer = self.all[first].send(method, path, body);
        for step in 1..self.all.len() {
            if !matches!(answer, Err(HttpError::Unreachable { .. } | HttpError::Timeout { .. })) {
                break;
            }
            let next = (first + step) % self.all.len();
            answer = self.all[next].send(method, path, body);
            if answer.is_ok() {
                self.at.store(next, Ordering::Relaxed);
            }
        }
        answer
    }
}
