//! The broker as a table, for failures.

use crate::look::{ConnectionView, QueueView};
use std::fmt;

/// Queues and connections of a moment; its `Display` is two tables.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use leveret_test::TestBroker;
///
/// let broker = TestBroker::start().await;
/// assert_eq!(broker.state().to_string(), "no queues\nno connections");
/// # }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct State {
    /// All queues.
    pub queues: Vec<QueueView>,
    /// All connections.
    pub connections: Vec<ConnectionView>,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let queues = self.queues.iter().map(|q| {
            let place = if q.vhost == "/" { q.name.clone() } else { format!("{} in {}", q.name, q.vhost) };
            let published = q.counters.published.to_string();
            [place, q.ready.to_string(), q.unacked.to_string(), q.consumers.to_string(), published].to_vec()
        });
        table(f, "no queues", &["queue", "ready", "unacked", "consumers", "published"], queues.collect())?;
        writeln!(f)?;
        let connections = self.connections.iter().map(|c| {
            let name = c.name.clone().unwrap_or_default();
            let state = if c.open { "open" } else { "ended" };
            let frames = format!("{} / {}", c.frames[0], c.frames[1]);
            [c.index.to_string(), name, state.into(), c.channels.len().to_string(), frames].to_vec()
        });
        let heads = ["connection", "name", "state", "channels", "frames to broker / to client"];
        table(f, "no connections", &heads, connections.collect())
    }
}

fn table(f: &mut fmt::Formatter<'_>, none: &str, heads: &[&str], rows: Vec<Vec<String>>) -> fmt::Result {
    if rows.is_empty() {
        return f.write_str(none);
    }
    let width = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> =
        heads.iter().enumerate().map(|(at, head)| width(at).unwrap_or(0).max(head.len())).collect();
    let line = |cells: &[&str]| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    f.write_str(&line(heads))?;
    for row in &rows {
        let cells: Vec<&str> = row.iter().map(String::as_str).collect();
        write!(f, "\n{}", line(&cells))?;
    }
    Ok(())
}
