//! Exit codes of every command: a promise to scripts and service managers.

/// Stopped as asked, or did what was asked.
pub(crate) const OK: u8 = 0;
/// Could not start, or failed while running.
pub(crate) const FAILURE: u8 = 1;
/// The command line or the configuration is wrong; nothing was started.
pub(crate) const USAGE: u8 = 2;
/// Added to the number of the signal that stopped the process without waiting.
pub(crate) const SIGNAL: u8 = 128;

/// What help and the reference page say.
pub(crate) const TABLE: &[(&str, &str)] = &[
    ("0", "stopped by SIGTERM or SIGINT and everything was closed in order"),
    ("1", "could not start (a port in use, a file that cannot be read), or failed while running"),
    ("2", "the command line or the configuration is wrong; nothing was started"),
    ("130, 143", "a second SIGINT or SIGTERM ended the process at once"),
];
