//! A worker in a process of its own: this test program once more, which stops at a step, says so, and is killed there.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use leveret::client::ConnectOptions;

use super::STEPS;
use super::stage::work;
use super::trap::{Part, Step, Trap, Way};

/// What such a process is told: URL, database, way, step.
const TOLD: [&str; 4] =
    ["LEVERET_FAULTS_URL", "LEVERET_FAULTS_DB", "LEVERET_FAULTS_WAY", "LEVERET_FAULTS_STEP"];
/// What it says when it is at its step.
const REACHED: &str = "the worker is at its step";

/// A process that ends by SIGKILL.
pub(super) struct Killed {
    child: Child,
    says: Option<BufReader<ChildStdout>>,
}

impl Killed {
    /// Without a step it works until it is killed.
    pub(super) fn start(url: &str, path: &Path, way: Way, step: Option<Step>) -> Self {
        let step = STEPS.iter().position(|at| Some(*at) == step);
        let step = step.map(|at| at.to_string()).unwrap_or_default();
        let values = [url, path.to_str().unwrap(), if way == Way::Store { "store" } else { "inbox" }, &step];
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["faults::process::a_worker_to_be_killed", "--exact", "--ignored", "--nocapture"])
            .envs(TOLD.into_iter().zip(values))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let says = child.stdout.take().map(BufReader::new);
        Self { child, says }
    }

    /// Until it is at its step.
    pub(super) async fn reached(&mut self) {
        let mut says = self.says.take().unwrap();
        let reading = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            while !line.contains(REACHED) {
                line.clear();
                assert!(says.read_line(&mut line).unwrap() > 0, "it has ended");
            }
            says
        });
        self.says = Some(reading.await.unwrap());
    }

    /// Lets it go on.
    pub(super) fn go(&mut self) {
        self.child.stdin.as_mut().unwrap().write_all(b"go\n").unwrap();
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// No test: the process that others kill. It ends by itself when they do.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
#[ignore = "is the worker's process of each_part_ends_at_each_step_and_the_effect_is_counted"]
async fn a_worker_to_be_killed() {
    let [Ok(url), Ok(path), Ok(way), Ok(step)] = TOLD.map(std::env::var) else { return };
    let way = if way == "store" { Way::Store } else { Way::Inbox };
    let step = step.parse().ok().and_then(|at: usize| STEPS.get(at).copied());
    let trap = Trap::new(Part::Worker, step.unwrap_or(Step::Received));
    let trap = if step.is_some() { trap } else { trap.disarmed() };
    let mine = trap.clone();
    tokio::spawn(async move {
        if step.is_some() {
            mine.reached().await;
            println!("{REACHED}");
        }
        let told = || std::io::stdin().read_line(&mut String::new()).unwrap();
        while tokio::task::spawn_blocking(told).await.unwrap() > 0 {
            mine.go();
        }
        std::process::exit(0);
    });
    let path = PathBuf::from(path);
    work(ConnectOptions::new(url).unwrap(), &path, way, trap).await;
}
