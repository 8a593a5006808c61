//! The broker's process on a data folder: started, killed, stopped.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// What it takes to start one.
pub(crate) struct Starter {
    pub(crate) binary: PathBuf,
    /// The data folder.
    pub(crate) data: PathBuf,
    /// Where the logs of all of them go.
    pub(crate) log: PathBuf,
}

/// A running broker; killed when dropped.
pub(crate) struct Broker {
    child: Child,
    _stdout: BufReader<ChildStdout>,
    pub(crate) address: SocketAddr,
    /// From the start of the process to its being ready.
    pub(crate) started_in: Duration,
}

/// Below this a full disk explains a broker that blocks publishers: its alarm comes at 50 MB.
const DISK_SCARCE_BYTES: u64 = 256_000_000;

/// Longest wait for an orderly stop; the broker gives deliveries under way 10 seconds.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

impl Starter {
    fn spawn(&self) -> io::Result<Child> {
        let mut command = Command::new(&self.binary);
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("LEVERET_"))
        {
            command.env_remove(name);
        }
        let log: File = OpenOptions::new().create(true).append(true).open(&self.log)?;
        command
            .args(["serve", "--amqp", "127.0.0.1:0", "--management", "none", "--log-level", "warn", "--data"])
            .arg(&self.data)
            .current_dir(self.log.parent().unwrap_or(Path::new("/")))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
    }

    /// That the disk is nearly full, if it is: then nothing else that was found means anything.
    pub(crate) fn disk_note(&self) -> String {
        let Ok(figures) = rustix::fs::statvfs(&self.data) else { return String::new() };
        let free = figures.f_bavail.saturating_mul(figures.f_frsize);
        if free >= DISK_SCARCE_BYTES {
            return String::new();
        }
        format!(
            "  The disk of {} has {} MB left, and a broker blocks publishers when it is full: free some space, or set TMPDIR \
             to a folder on another disk, and run it again.\n",
            self.data.display(),
            free / 1_000_000
        )
    }

    /// Starts one and waits until it listens.
    pub(crate) fn start(&self) -> io::Result<Broker> {
        let began = Instant::now();
        let mut child = self.spawn()?;
        let stdout = child.stdout.take().ok_or_else(|| io::Error::other("it has no output"))?;
        let mut stdout = BufReader::new(stdout);
        let mut said = String::new();
        loop {
            if stdout.read_line(&mut said)? == 0 {
                let status = child.wait()?;
                let text = format!("the broker ended at start ({status}) and said: {said}{}", self.log_end());
                return Err(io::Error::other(text));
            }
            let last = said.lines().next_back().unwrap_or_default().trim();
            if let Some(address) = last.strip_prefix("listens  amqp://") {
                let address = address.parse().map_err(io::Error::other)?;
                return Ok(Broker { child, _stdout: stdout, address, started_in: began.elapsed() });
            }
        }
    }

    /// Starts one and kills it a moment later, wherever it is by then.
    pub(crate) fn start_and_kill(&self, after: Duration) -> io::Result<()> {
        let mut child = self.spawn()?;
        std::thread::sleep(after);
        child.kill()?;
        child.wait().map(drop)
    }

    /// The last lines of the log.
    pub(crate) fn log_end(&self) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }
}

impl Broker {
    /// SIGKILL, and its end awaited.
    pub(crate) fn kill(mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// SIGTERM, and its end awaited.
    pub(crate) fn stop(mut self) -> io::Result<()> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        let began = Instant::now();
        while self.ended()?.is_none() {
            if began.elapsed() > STOP_TIMEOUT {
                return Err(io::Error::other(format!(
                    "SIGTERM did not end it in {} s",
                    STOP_TIMEOUT.as_secs()
                )));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        match self.ended()? {
            Some(status) if !status.success() => Err(io::Error::other(format!("after SIGTERM: {status}"))),
            _ => Ok(()),
        }
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
