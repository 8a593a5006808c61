//! What outlives a restart and a crash. A crash is the folder as it lies on the disk while the broker runs, copied, and another
//! broker started on the copy.

mod backlog;
mod dedup;
mod faults;
mod folder;
mod look;
mod messages;
mod outcome;
mod policies;
mod schedules;
mod vhosts;
mod waiting;

use crate::support::*;
use leveret_broker::{Broker, Clock, Config, DataLocation};
use leveret_protocol::FieldTable;
use leveret_protocol::methods::queue;
use std::io::ErrorKind::NotFound;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// A broker on a folder, and the folder.
pub(crate) struct Durable {
    pub(crate) broker: Broker,
    _closing: Closing,
    folder: TempDir,
    now_unix_ms: u64,
}

/// Closes the store before its folder goes. A broker outlives its handle as long as its connections are there, and a store that
/// made a file in a folder that was being removed once left hundreds of them behind, until the disk was full.
struct Closing(Broker);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close_store();
    }
}

/// Copies the files of a folder whose names `wanted` likes.
fn copy(from: &Path, to: &Path, wanted: impl Fn(&str) -> bool) {
    std::fs::create_dir_all(to).unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().to_string_lossy().into_owned();
        if !wanted(&name) {
            continue;
        }
        match std::fs::copy(file.path(), to.join(&name)) {
            // The store's keeper was preparing it, and nothing is in it.
            Err(error)
                if error.kind() == NotFound && (name.starts_with("spare-") || name.ends_with("-new")) => {}
            copied => _ = copied.unwrap(),
        }
    }
}

fn start_on(folder: &Path, now_unix_ms: u64, change: impl Fn(&mut Config)) -> Broker {
    let mut config = Config::default();
    config.heartbeat = Duration::ZERO;
    config.data = DataLocation::Directory(folder.to_owned());
    change(&mut config);
    Broker::start_with_clock(config, Clock::virtual_at(now_unix_ms)).unwrap()
}

impl Durable {
    pub(crate) fn start() -> Self {
        Self::start_with(|_| ())
    }

    pub(crate) fn start_with(change: impl Fn(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let broker = start_on(folder.path(), START_UNIX_MS, change);
        Self::of(broker, folder, START_UNIX_MS)
    }

    fn of(broker: Broker, folder: TempDir, now_unix_ms: u64) -> Self {
        Self { _closing: Closing(broker.clone()), broker, folder, now_unix_ms }
    }

    pub(crate) async fn client(&self) -> Client {
        Client::to(&self.broker).await
    }

    /// What another broker finds if this one is killed now, `later` after it started.
    pub(crate) fn crash(&self, later: Duration) -> Self {
        self.crash_with(later, |_| ())
    }

    fn crash_with(&self, later: Duration, change: impl Fn(&mut Config)) -> Self {
        let folder = self.crash_folder();
        let now_unix_ms = self.now_unix_ms + later.as_millis() as u64;
        let broker = start_on(folder.path(), now_unix_ms, change);
        Self::of(broker, folder, now_unix_ms)
    }

    /// The folder as it lies there now, copied.
    fn crash_folder(&self) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        copy(self.folder.path(), folder.path(), |_| true);
        folder
    }

    /// Stops in order and starts again.
    pub(crate) async fn restart(self) -> Self {
        self.restart_with(|_| ()).await
    }

    pub(crate) async fn restart_with(self, change: impl Fn(&mut Config)) -> Self {
        let Self { broker, _closing: closing, folder, now_unix_ms } = self;
        let clock = broker.clock().clone();
        tokio::select! {
            _ = broker.shutdown(Duration::ZERO) => {}
            // Clients that do not answer are waited for, on the broker's clock.
            () = async { loop { clock.advance(secs(1)); tokio::task::yield_now().await } } => {}
        }
        drop((broker, closing));
        let broker = start_on(folder.path(), now_unix_ms, change);
        Self::of(broker, folder, now_unix_ms)
    }
}

fn durable<'a>(name: &'a str, arguments: FieldTable) -> queue::Declare<'a> {
    queue::Declare { durable: true, ..queue_with(name, arguments) }
}

fn persistent<'a>(queue: &'a str, body: &'a str) -> Publishing<'a> {
    let mut publishing = Publishing::to(queue, body);
    publishing.properties.delivery_mode = Some(2);
    publishing
}

/// Publishes persistent texts on a connection that publishes nothing else and waits for the confirms of all.
async fn store(client: &mut Client, queue: &str, texts: &[String]) {
    client.confirm().await;
    let frame_max = client.tuning.frame_max;
    client.send(|out| texts.iter().for_each(|text| persistent(queue, text).write(1, frame_max, out))).await;
    confirmed(client, texts.len() as u64).await;
}

/// Waits until `count` more publishings of a client that just began to confirm were confirmed.
async fn confirmed(client: &mut Client, count: u64) {
    let mut seen = 0;
    while seen < count {
        match client.next().await {
            Got::Ack { tag, multiple: true, .. } => seen = tag,
            Got::Ack { .. } => seen += 1,
            other => panic!("expected confirms, got {other:?}"),
        }
    }
}

fn numbered(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|n| format!("message {n}")).collect()
}
