//! The broker's process and what the system says of it.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

/// A running broker; killed when dropped.
pub(crate) struct Broker {
    child: Child,
    _stdout: BufReader<ChildStdout>,
    folder: tempfile::TempDir,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

/// Time in which a client must have logged in, in seconds.
pub(crate) const HANDSHAKE_TIMEOUT_S: u64 = 2;

impl Broker {
    /// Starts the binary in a folder of its own, without anybody's settings, and waits until it listens.
    pub(crate) fn start(binary: &str) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut command = Command::new(std::fs::canonicalize(binary)?);
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("LEVERET_"))
        {
            command.env_remove(name);
        }
        let timeout = format!("{HANDSHAKE_TIMEOUT_S}s");
        let mut child = command
            .args([
                "serve",
                "--memory",
                "--amqp",
                "127.0.0.1:0",
                "--management",
                "none",
                "--log-level",
                "error",
            ])
            .args(["--handshake-timeout", &timeout])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(folder.path().join("log"))?)
            .spawn()?;
        let stdout = child.stdout.take().ok_or_else(|| io::Error::other("it has no output"))?;
        let mut stdout = BufReader::new(stdout);
        let mut said = String::new();
        let address = loop {
            if stdout.read_line(&mut said)? == 0 {
                return Err(io::Error::other(format!("it ended at start and said: {said}")));
            }
            let last = said.lines().next_back().unwrap_or_default().trim();
            if let Some(address) = last.strip_prefix("listens  amqp://") {
                break address.parse().map_err(io::Error::other)?;
            }
        };
        Ok(Self { child, _stdout: stdout, folder, address })
    }

    /// Its process number.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    fn proc(&self, file: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{file}", self.pid()))
    }

    /// Resident memory in MiB; 0 when it is not running any more.
    pub(crate) fn rss_mib(&self) -> u64 {
        rss_mib(self.pid())
    }

    /// Open sockets, its listener among them.
    pub(crate) fn sockets(&self) -> usize {
        let Ok(files) = std::fs::read_dir(self.proc("fd")) else { return 0 };
        let is_socket = |path: PathBuf| {
            std::fs::read_link(path).is_ok_and(|target| target.to_string_lossy().starts_with("socket:"))
        };
        files.flatten().filter(|file| is_socket(file.path())).count()
    }

    /// Processor time it has used, in clock ticks of 10 ms.
    pub(crate) fn cpu_ticks(&self) -> u64 {
        let stat = std::fs::read_to_string(self.proc("stat")).unwrap_or_default();
        // The name may hold spaces; what follows its parenthesis does not.
        let fields = stat.rsplit(')').next().unwrap_or_default();
        fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum()
    }

    /// The last lines of its log.
    pub(crate) fn log_end(&self) -> String {
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }
}

/// Resident memory of a process in MiB, rounded up.
pub(crate) fn rss_mib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    let kib: u64 = line.split_whitespace().next().and_then(|kib| kib.parse().ok()).unwrap_or_default();
    kib.div_ceil(1024)
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
