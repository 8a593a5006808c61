//! Messages in order by key: each key has its lane, each lane is a task that handles one message after the other.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use leveret_client::Delivery;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use super::process::process;
use super::run::{Place, Running};
use super::settings::Key;
use crate::message::Incoming;

type Item = (Delivery, Option<Incoming>);

/// The lanes of a worker. More keys than lanes share them.
pub(super) struct Lanes {
    hasher: RandomState,
    lanes: Vec<mpsc::Sender<Item>>,
}

impl Lanes {
    /// `queued_max` is the prefetch: there are never more deliveries than that.
    pub(super) fn start(running: &Arc<Running>, places: &Place, tasks: &TaskTracker, queued_max: u16) -> Self {
        let lane = |_| {
            let (sender, mut items) = mpsc::channel::<Item>(queued_max.into());
            let (running, places) = (running.clone(), places.clone());
            tasks.spawn(async move {
                while let Some((delivery, message)) = items.recv().await {
                    match places.take(&running).await {
                        Some(_place) => process(&running, delivery, message).await,
                        None => running.not_begun(delivery),
                    }
                }
            });
            sender
        };
        let lanes = (0..running.settings.concurrency.max()).map(lane).collect();
        Self { hasher: RandomState::new(), lanes }
    }

    pub(super) async fn hand(&self, running: &Running, key: &Key, delivery: Delivery, message: Option<Incoming>) {
        let hash = message.as_ref().map_or(0, |message| self.hasher.hash_one(key(message)));
        let Some(lane) = self.lanes.get((hash % self.lanes.len().max(1) as u64) as usize) else { return };
        if let Err(mpsc::error::SendError((delivery, _))) = lane.send((delivery, message)).await {
            running.not_begun(delivery);
        }
    }
}
