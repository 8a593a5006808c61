//! Messages in order by key: while one of a key is handled, others of the same key wait behind it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use leveret_client::Delivery;
use parking_lot::Mutex;

use super::process::{Item, process};
use super::run::Running;

/// What waits behind what is being handled, by key. A key is there while one of its messages is handled. Together there is never more
/// than the prefetch.
#[derive(Clone, Default)]
pub(super) struct Lanes(Arc<Mutex<HashMap<String, VecDeque<Item>>>>);

impl Lanes {
    /// Gives the message back if it is the only one of its key: it can be handled.
    pub(super) fn begin(&self, key: &str, item: Item) -> Option<Item> {
        let mut lanes = self.0.lock();
        if let Some(lane) = lanes.get_mut(key) {
            lane.push_back(item);
            return None;
        }
        lanes.insert(key.to_owned(), VecDeque::new());
        Some(item)
    }

    /// Handles a message and what has come behind it, until there is nothing more or the worker stops.
    pub(super) async fn run(&self, running: &Running, key: &str, first: Item) {
        let mut next = Some(first);
        while let Some(item) = next {
            process(running, item).await;
            next = self.after(running, key);
        }
    }

    fn after(&self, running: &Running, key: &str) -> Option<Item> {
        let mut lanes = self.0.lock();
        let next = if running.stop.is_cancelled() { None } else { lanes.get_mut(key)?.pop_front() };
        if next.is_none() && lanes.get(key).is_some_and(VecDeque::is_empty) {
            lanes.remove(key);
        }
        next
    }

    /// What was not begun, in the order in which it came.
    pub(super) fn take_all(&self) -> Vec<Delivery> {
        let mut all: Vec<Delivery> =
            self.0.lock().drain().flat_map(|(_, lane)| lane).map(|(delivery, _)| delivery).collect();
        all.sort_by_key(Delivery::delivery_tag);
        all
    }
}
