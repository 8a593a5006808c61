//! A part, or the broker, as a process of its own: the same binary with the part's name.

use std::fs::OpenOptions;
use std::io;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::settings::Settings;
use crate::tell::Tally;

/// How long a process has to end when it is asked to.
const STOP_WITHIN: Duration = Duration::from_secs(15);

/// A process that is started again whenever it ends.
pub(crate) struct Process {
    pub(crate) name: &'static str,
    /// How often it was killed.
    pub(crate) kills: u32,
    settings: Settings,
    tally: Arc<Mutex<Tally>>,
    child: Child,
}

impl Process {
    pub(crate) fn start(
        name: &'static str,
        settings: &Settings,
        tally: &Arc<Mutex<Tally>>,
    ) -> io::Result<Self> {
        let child = spawn(name, settings, tally)?;
        Ok(Self { name, kills: 0, settings: settings.clone(), tally: tally.clone(), child })
    }

    /// `kill -9`, and starts it again.
    pub(crate) async fn kill(&mut self) -> io::Result<()> {
        self.child.kill().await?;
        self.kills += 1;
        self.child = spawn(self.name, &self.settings, &self.tally)?;
        Ok(())
    }

    /// Starts it again if it ended by itself; how is the answer then.
    pub(crate) fn revive(&mut self) -> io::Result<Option<String>> {
        let Some(status) = self.child.try_wait()? else { return Ok(None) };
        self.child = spawn(self.name, &self.settings, &self.tally)?;
        Ok(Some(status.to_string()))
    }

    /// Asks it to end: it has finished what it was doing then.
    pub(crate) async fn stop(mut self) -> io::Result<()> {
        drop(self.child.stdin.take());
        let name = self.name;
        match timeout(STOP_WITHIN, self.child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(io::Error::other(format!("{name} ended badly ({status}); see {name}.log"))),
            Ok(Err(error)) => Err(error),
            Err(_) => {
                self.child.kill().await?;
                Err(io::Error::other(format!("{name} did not stop within {STOP_WITHIN:?}; see {name}.log")))
            }
        }
    }
}

fn spawn(name: &str, settings: &Settings, tally: &Arc<Mutex<Tally>>) -> io::Result<Child> {
    let log = settings.folder().join(format!("{name}.log"));
    let log = OpenOptions::new().create(true).append(true).open(log)?;
    let mut child = Command::new(std::env::current_exe()?)
        .arg(name)
        .args(settings.arguments())
        // It ends when this is closed, by us or with us.
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()?;
    if let Some(stdout) = child.stdout.take() {
        let tally = tally.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(stdout).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                // The last line of somebody who was killed may be half of one.
                if let Ok(told) = serde_json::from_str(&line) {
                    tally.lock().note(told);
                }
            }
        });
    }
    Ok(child)
}
