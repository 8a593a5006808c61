//! The one place that touches the broker.

use super::banner::Listening;
use crate::config::Settings;
use std::fmt;
use std::time::Duration;

pub(crate) struct Running {
    listening: Vec<Listening>,
}
pub(crate) struct Stopped;

pub(crate) async fn start(_settings: &Settings) -> Result<Running, String> {
    Err("not wired".into())
}
impl Running {
    pub(crate) fn listening(&self) -> &[Listening] {
        &self.listening
    }
    pub(crate) fn node_name(&self) -> &str {
        "n"
    }
    pub(crate) fn data(&self) -> String {
        "d".into()
    }
    pub(crate) async fn stop(&self, _deadline: Duration) -> Stopped {
        Stopped
    }
}
impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("x")
    }
}
