//! A disk whose power can be taken away: a file system of our own, in memory, mounted for the broker.
//!
//! [`mod@file`] and [`folder`] hold what is written and what of it is stored; neither does I/O. [`disk`] joins them, [`mount`] shows the
//! disk to the kernel, [`mod@check`] shows that a mounted one forgets and keeps what it should.

mod check;
mod disk;
mod file;
mod folder;
mod mount;

pub(crate) use check::check;
pub(crate) use mount::PowerDisk;

/// What happens to what was not synced when the power goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// All of it is gone, changes of names too.
    All,
    /// Pages of 4 KiB and changes of names are kept or lost one by one.
    Pages,
    /// Pages are torn in sectors of 512 bytes; of the changes of names the first few are kept.
    Torn,
}

impl Loss {
    pub(crate) const ALL: [Self; 3] = [Self::All, Self::Pages, Self::Torn];

    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::All => "all lost",
            Self::Pages => "pages lost",
            Self::Torn => "sectors torn",
        }
    }
}
