//! Starts and stops shovels as parameters come, change and go.
//!
//! It is told only that something changed, and compares what runs with what there is: however often it is told, nothing piles up.

use crate::run::{self, Job};
use crate::spec::{self, Spec};
use crate::status::{Board, State, Status};
use leveret_broker::Broker;
use leveret_broker::component::{Component, MayEnter, ParameterComponent};
use parking_lot::Mutex;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The component of their parameters.
pub(crate) const COMPONENT: &str = "shovel";

/// The shovels of a broker. Clones are the same.
///
/// Its [`component`](Self::component) goes into the broker's configuration, and when the broker runs, [`start`](Self::start) runs the shovels.
#[derive(Debug, Clone, Default)]
pub struct Shovels(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    changed: Notify,
    /// By virtual host and name.
    all: Mutex<BTreeMap<(String, String), Shovel>>,
}

/// One that runs, or could not.
#[derive(Debug)]
struct Shovel {
    value: Value,
    spec: Option<Arc<Spec>>,
    board: Arc<Board>,
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

/// Shovels at work; dropped, they stop at once.
#[derive(Debug)]
pub struct Running {
    shovels: Shovels,
    keeper: JoinHandle<()>,
}

impl ParameterComponent for Inner {
    fn problems(&self, name: &str, value: &Value, may_enter: MayEnter<'_>) -> Vec<String> {
        spec::problems(name, value, may_enter)
    }

    fn changed(&self) {
        self.changed.notify_one();
    }
}

impl Shovels {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What the broker asks about parameters.
    #[must_use]
    pub fn component(&self) -> Component {
        Component { name: COMPONENT, acts: self.0.clone() }
    }

    /// Runs what the broker's parameters say from now on. Inside a tokio runtime.
    #[must_use]
    pub fn start(&self, broker: &Broker) -> Running {
        let (inner, broker) = (self.0.clone(), broker.clone());
        let keeper = tokio::spawn(async move {
            loop {
                inner.compare(&broker);
                inner.changed.notified().await;
            }
        });
        Running { shovels: self.clone(), keeper }
    }

    /// All of them, by virtual host and name.
    #[must_use]
    pub fn list(&self) -> Vec<Status> {
        self.0.all.lock().values().map(|shovel| shovel.board.status(shovel.spec.clone())).collect()
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, vhost: &str, name: &str) -> Option<Status> {
        let all = self.0.all.lock();
        let shovel = all.get(&(vhost.to_owned(), name.to_owned()))?;
        Some(shovel.board.status(shovel.spec.clone()))
    }

    /// Stops one in order and starts it anew. Whether it is there.
    pub fn restart(&self, vhost: &str, name: &str) -> bool {
        let mut all = self.0.all.lock();
        let Some(shovel) = all.get_mut(&(vhost.to_owned(), name.to_owned())) else { return false };
        // No parameter is this: the next comparison finds a difference.
        shovel.value = Value::Null;
        drop(all);
        self.0.changed.notify_one();
        true
    }
}

impl Running {
    /// Stops all in order: what the target confirms by then is acknowledged. What does not stop by the deadline is cut off.
    pub async fn stop(self, deadline: Duration) {
        self.keeper.abort();
        let all = std::mem::take(&mut *self.shovels.0.all.lock());
        all.values().for_each(|shovel| shovel.stop.cancel());
        let end = tokio::time::Instant::now() + deadline;
        for mut task in all.into_values().filter_map(|shovel| shovel.task) {
            if tokio::time::timeout_at(end, &mut task).await.is_err() {
                task.abort();
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.keeper.abort();
        let all = std::mem::take(&mut *self.shovels.0.all.lock());
        all.into_values().filter_map(|shovel| shovel.task).for_each(|task| task.abort());
    }
}

impl Inner {
    fn compare(&self, broker: &Broker) {
        let mut wanted = BTreeMap::new();
        for vhost in broker.vhosts() {
            let of = vhost.parameters().into_iter().filter(|parameter| parameter.component == COMPONENT);
            wanted.extend(of.map(|parameter| ((vhost.name().to_string(), parameter.name), parameter.value)));
        }
        let mut all = self.all.lock();
        all.retain(|key, shovel| {
            let stays = wanted.contains_key(key);
            if !stays {
                tracing::info!(vhost = key.0, shovel = key.1, "the shovel is gone and stops");
                shovel.stop.cancel();
            }
            stays
        });
        for (key, value) in wanted {
            let before = match all.remove(&key) {
                Some(same) if same.value == value => {
                    all.insert(key, same);
                    continue;
                }
                Some(other) => {
                    other.stop.cancel();
                    other.task
                }
                None => None,
            };
            let shovel = begin(broker, &key, value, before);
            all.insert(key, shovel);
        }
    }
}

fn begin(broker: &Broker, key: &(String, String), value: Value, before: Option<JoinHandle<()>>) -> Shovel {
    let (vhost, name) = key;
    let board = Arc::new(Board::new(vhost, name, broker.clock().unix_ms()));
    let stop = CancellationToken::new();
    let spec = match Spec::parse(name, &value) {
        Ok(spec) => Arc::new(spec),
        // It came with an older definition, or from the store.
        Err(reason) => {
            tracing::error!(vhost, shovel = name, reason, "the shovel cannot run: its parameter is wrong");
            board.set(State::Terminated { reason }, broker.clock().unix_ms());
            return Shovel { value, spec: None, board, stop, task: before };
        }
    };
    let job = Job { broker: broker.clone(), spec: spec.clone(), board: board.clone(), stop: stop.clone() };
    let task = tokio::spawn(async move {
        // The one it replaces first acknowledges what was confirmed.
        if let Some(before) = before {
            let _ = before.await;
        }
        run::until_stopped(job).await;
    });
    Shovel { value, spec: Some(spec), board, stop, task: Some(task) }
}
