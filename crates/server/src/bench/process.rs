//! The broker as a process of this machine: which one it is, what it used. Linux only; elsewhere nothing is found.

use std::fs;
use std::net::IpAddr;

/// What a process has used so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Usage {
    /// CPU seconds of all its threads, user and system.
    pub(crate) cpu_seconds: f64,
    /// Memory it holds now.
    pub(crate) rss_bytes: u64,
}

/// Reads what a process has used; none when it is gone or not ours to see.
pub(crate) fn usage(pid: u32) -> Option<Usage> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let ticks_per_second = rustix::param::clock_ticks_per_second() as f64;
    let page_bytes = rustix::param::page_size() as u64;
    let (ticks, pages) = ticks_and_pages(&stat)?;
    Some(Usage { cpu_seconds: ticks as f64 / ticks_per_second, rss_bytes: pages * page_bytes })
}

/// Fields 14 (user ticks), 15 (system ticks) and 24 (resident pages) of proc_pid_stat(5). The name in field 2
/// may hold spaces and parentheses, so counting starts behind the last one.
fn ticks_and_pages(stat: &str) -> Option<(u64, u64)> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some((number(14)? + number(15)?, number(24)?))
}

/// The process that listens on this port of this machine; none when the host is another machine or the process
/// belongs to another user.
pub(crate) fn listening_on(ips: &[IpAddr], port: u16) -> Option<u32> {
    if !ips.iter().any(IpAddr::is_loopback) {
        return None;
    }
    let sockets: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .flat_map(|table| listening_inodes(&table, port))
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    if sockets.is_empty() {
        return None;
    }
    fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let holds = fs::read_dir(entry.path().join("fd")).ok()?.flatten().any(|file| {
            fs::read_link(file.path())
                .is_ok_and(|target| sockets.iter().any(|socket| target.as_os_str() == socket.as_str()))
        });
        holds.then_some(pid)
    })
}

/// Inodes of the listening sockets of a port in the format of /proc/net/tcp: field 2 is address:port in
/// hexadecimal, field 4 the state (0A: listening), field 10 the inode.
fn listening_inodes(table: &str, port: u16) -> Vec<u64> {
    let ending = format!(":{port:04X}");
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            (fields.get(1)?.ends_with(&ending) && *fields.get(3)? == "0A")
                .then(|| fields.get(9)?.parse().ok())?
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_with_parentheses() {
        let stat = "42 (a) b) (c) S 1 2 3 4 5 6 7 8 9 10 100 23 0 0 20 0 1 0 5 999 77 18446744073709551615";
        assert_eq!(ticks_and_pages(stat), Some((123, 77)));
        assert_eq!(ticks_and_pages("42 (x) S 1"), None);
    }

    #[test]
    fn finds_listeners_only() {
        let table = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1628 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0
   1: 0100007F:1628 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 20 4 30 10 -1
   2: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0 100 0 0 10 0
";
        assert_eq!(listening_inodes(table, 5672), [4711]);
        assert!(listening_inodes("", 5672).is_empty());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn finds_this_very_process() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(listening_on(&["127.0.0.1".parse().unwrap()], port), Some(std::process::id()));
        assert_eq!(listening_on(&["192.0.2.1".parse().unwrap()], port), None);
        assert!(usage(std::process::id()).unwrap().rss_bytes > 100_000);
        assert_eq!(usage(0), None);
    }
}
