//! Starts the binary on a free port in a fresh folder, and ends it when the test does.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The binary, in a folder without settings, and without settings in the environment.
pub(crate) fn leveret(folder: &tempfile::TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_leveret"));
    command.args(arguments).current_dir(folder.path()).stdin(Stdio::null());
    command.env("XDG_CONFIG_HOME", folder.path());
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_setting(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    command
}

/// Whether the binary would read this variable.
fn is_setting(name: &str) -> bool {
    name.starts_with("LEVERET_") || name.starts_with("OTEL_")
}

/// A broker of this test's own.
pub(crate) struct Server {
    child: Child,
    _stdout: BufReader<ChildStdout>,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// What it said at start.
    pub(crate) banner: String,
    _folder: tempfile::TempDir,
}

impl Server {
    /// Starts `leveret serve --memory` on a free port, with more arguments, and waits until it says it listens.
    pub(crate) fn start(more: &[&str]) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let arguments =
            [&["serve", "--memory", "--amqp", "127.0.0.1:0", "--management", "127.0.0.1:0"], more].concat();
        let mut child =
            leveret(&folder, &arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut banner = String::new();
        while !banner.contains("  stop ") {
            assert!(stdout.read_line(&mut banner).unwrap() > 0, "it ended at start; it said: {banner}");
        }
        let address = banner.lines().find_map(|line| line.trim().strip_prefix("listens  amqp://")).unwrap();
        Server { child, _stdout: stdout, address: address.parse().unwrap(), banner, _folder: folder }
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Its exit code, when it ends in time.
    pub(crate) fn exit_code(&mut self) -> Option<i32> {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < deadline, "it did not end within 20 s");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Bytes of memory it holds that are not pages of the binary, which is several times larger in test builds.
    #[cfg(target_os = "linux")]
    pub(crate) fn own_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command to its end; what it said on stderr, and its code.
pub(crate) fn failure(command: &mut Command) -> (String, Option<i32>) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (said, child.wait().unwrap().code())
}

/// Runs a command that has to succeed; what it said on stdout.
pub(crate) fn success(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert!(status.success(), "{status}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}
