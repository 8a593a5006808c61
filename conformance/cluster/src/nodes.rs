//! The nodes of the cluster, through the script beside this crate.

use std::process::Stdio;

use tokio::process::Command;

use super::Failure;

/// Nodes of the cluster.
pub(crate) const COUNT: u16 = 3;

/// Where `conformance/cluster/nodes` is, and the ports it was started with.
pub(crate) struct Nodes {
    script: String,
    base_port: u16,
}

impl Nodes {
    pub(crate) fn new(script: String, base_port: u16) -> Self {
        Self { script, base_port }
    }

    pub(crate) fn ports(&self) -> impl Iterator<Item = u16> + use<> {
        let base = self.base_port;
        (0..COUNT).map(move |number| base + 10 * number)
    }

    /// `kill -9`.
    pub(crate) async fn kill(&self, number: u16) -> Result<(), Failure> {
        self.call(&["kill", &number.to_string()]).await.map(drop)
    }

    /// Starts one again that was killed, and waits until it is up.
    pub(crate) async fn again(&self, number: u16) -> Result<(), Failure> {
        self.call(&["again", &number.to_string()]).await.map(drop)
    }

    /// The node where the queue's leader is.
    pub(crate) async fn leader(&self, queue: &str) -> Result<u16, Failure> {
        Ok(self.call(&["leader", queue]).await?.trim().parse()?)
    }

    async fn call(&self, words: &[&str]) -> Result<String, Failure> {
        let mut command = Command::new(&self.script);
        command.args(words).env("BASE_PORT", self.base_port.to_string());
        let done = command.stdin(Stdio::null()).stderr(Stdio::piped()).output().await?;
        if done.status.success() {
            return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
        }
        Err(format!("nodes {}: {}", words.join(" "), String::from_utf8_lossy(&done.stderr)).into())
    }
}
