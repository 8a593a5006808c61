//! Acks that the task is not told of: it gathers them anyway, and each wake-up would cost more than the ack.
//!
//! Whoever acks hands the ack over first and then counts; the task says how many may come unheard and looks once more afterwards. So an
//! ack that something depends on is always either heard or seen (all of it is `SeqCst`, which that needs).

use crate::sync::AtomicIsize;
use crate::sync::Ordering::SeqCst;

/// How many acks of a channel may come before the task has to look.
#[derive(Debug)]
pub(crate) struct Quiet {
    /// Below one: all are told.
    left: AtomicIsize,
}

impl Quiet {
    pub(crate) fn new() -> Self {
        Self { left: AtomicIsize::new(0) }
    }

    /// An ack was handed over: whether the task is to be told.
    pub(crate) fn is_to_be_told(&self) -> bool {
        self.left.fetch_sub(1, SeqCst) <= 1
    }

    /// The next `acks`-th is to be told. Who says so looks afterwards for what was handed over meanwhile.
    pub(crate) fn until(&self, acks: usize) {
        self.left.store(acks.try_into().unwrap_or(isize::MAX), SeqCst);
    }
}
