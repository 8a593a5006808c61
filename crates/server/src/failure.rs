//! Why a command failed: what to say on stderr, and the exit code.

use crate::exit;
use std::fmt;

/// A sentence for people, and the exit code that goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What went wrong, and what to do where there is something to do. May have several lines.
    pub(crate) text: String,
    /// One of [`exit`]'s.
    pub(crate) code: u8,
}

/// What a command ends with: its exit code, or why it failed.
pub(crate) type Outcome = Result<u8, Failure>;

impl Failure {
    /// It was asked rightly and could not be done.
    pub(crate) fn new(text: impl Into<String>) -> Failure {
        Failure { text: text.into(), code: exit::FAILURE }
    }

    /// It was asked wrongly; nothing was done.
    pub(crate) fn usage(text: impl Into<String>) -> Failure {
        Failure { text: text.into(), code: exit::USAGE }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
