//! What the operating system says of this process. A figure that it does not say is left out.

use serde_json::{Map, Value};
use std::fs;

/// Descriptors open, and how many there may be.
pub(crate) fn descriptors() -> (Option<u64>, Option<u64>) {
    let open = fs::read_dir("/proc/self/fd").ok().map(|all| all.count() as u64);
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    // `unlimited` is no number.
    let max = line.and_then(|line| line.split_whitespace().nth(3)?.parse().ok());
    (open, max)
}

/// Bytes of memory that the process has in use.
pub(crate) fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}

/// Figures of a node, with RabbitMQ's keys.
pub(crate) fn figures() -> Map<String, Value> {
    let (fd_used, fd_total) = descriptors();
    let processors = std::thread::available_parallelism().ok().map(|count| count.get() as u64);
    let mut json = Map::new();
    let all = [
        ("fd_used", fd_used),
        ("fd_total", fd_total),
        // Every descriptor can be a socket.
        ("sockets_total", fd_total),
        ("mem_used", resident_bytes()),
        ("processors", processors),
    ];
    for (name, figure) in all {
        if let Some(figure) = figure {
            json.insert(name.to_owned(), figure.into());
        }
    }
    json.insert("os_pid".to_owned(), std::process::id().to_string().into());
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        let metrics = runtime.metrics();
        // Where Erlang has processes, there are tasks here. As many as memory has room for: no figure is the bound.
        json.insert("proc_used".to_owned(), metrics.num_alive_tasks().into());
        json.insert("proc_total".to_owned(), u32::MAX.into());
        json.insert("run_queue".to_owned(), metrics.global_queue_depth().into());
    }
    json
}
