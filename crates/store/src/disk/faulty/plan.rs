//! What goes wrong, and when.

use rustix::io::Errno;

/// What a disk is asked to do. Every call has a number, from 1 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Bytes are written.
    Write,
    /// Bytes are read.
    Read,
    /// A file is synced.
    Sync,
    /// A file's length is set.
    SetLen,
    /// A file is made.
    Create,
    /// A file gets another name.
    Rename,
    /// A file is taken away.
    Remove,
    /// The names are synced.
    SyncNames,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The power is cut: every call fails, and what was not synced may be lost.
    PowerCut,
    /// No space: writes, new files and growth fail with ENOSPC and do nothing.
    NoSpace,
    /// Writes fail with EIO and do nothing; so do new files and changes of length and of names.
    WriteError,
    /// Syncs, of files and of names, fail with EIO. What a file's sync should have stored no later sync stores.
    SyncError,
    /// Reads fail with EIO.
    ReadError,
    /// Writes of more than one byte write only some of it, which is no error.
    ShortWrite,
}

impl Fault {
    /// Whether a call can suffer it.
    pub(super) fn hits(self, call: Call) -> bool {
        match self {
            Self::PowerCut => true,
            Self::NoSpace => matches!(call, Call::Write | Call::SetLen | Call::Create),
            Self::WriteError => !matches!(call, Call::Read | Call::Sync | Call::SyncNames),
            Self::SyncError => matches!(call, Call::Sync | Call::SyncNames),
            Self::ReadError => call == Call::Read,
            Self::ShortWrite => call == Call::Write,
        }
    }

    /// What the call answers; `None`: it goes on, in its own way.
    pub(super) fn error(self) -> Option<std::io::Error> {
        match self {
            Self::PowerCut | Self::WriteError | Self::SyncError | Self::ReadError => Some(Errno::IO.into()),
            Self::NoSpace => Some(Errno::NOSPC.into()),
            Self::ShortWrite => None,
        }
    }
}

/// When it goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// What.
    pub fault: Fault,
    /// At the first call with this number or a higher one that can suffer it.
    pub at: u64,
    /// And at every such call after it, until [`heal`](super::FaultyDisk::heal).
    pub stays: bool,
}
