//! Waits until a socket can be read or written, with nanoseconds to spare.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::net::TcpStream;
use std::time::Duration;

/// What to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interest {
    /// Something to read.
    Read,
    /// Something to read, or room to write.
    ReadAndWrite,
}

/// Waits; whether there is something to read.
///
/// # Errors
/// When the system refuses to wait.
pub(crate) fn wait(socket: &TcpStream, interest: Interest, timeout: Duration) -> Result<bool, String> {
    let flags = match interest {
        Interest::Read => PollFlags::IN,
        Interest::ReadAndWrite => PollFlags::IN | PollFlags::OUT,
    };
    let timeout =
        Timespec { tv_sec: timeout.as_secs().min(3600) as i64, tv_nsec: i64::from(timeout.subsec_nanos()) };
    let mut sockets = [PollFd::new(socket, flags)];
    match poll(&mut sockets, Some(&timeout)) {
        // An error on the socket counts as something to read: reading tells which.
        Ok(_) => Ok(!(sockets[0].revents() - PollFlags::OUT).is_empty()),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(format!("poll: {error}")),
    }
}

/// Lets this thread's waits end when they should instead of up to 50 µs later, where the system can.
pub(crate) fn wait_precisely() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
}
