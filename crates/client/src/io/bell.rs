//! How handles wake the task of a connection: a bit for every channel that has something for it, and a bell that costs one load while
//! the task is awake.
//!
//! Whoever sets a bit or a flag rings afterwards; the task says that it sleeps and looks once more afterwards. So one of the two sees
//! the other (all of it is `SeqCst`, which that needs).

use std::task::Context;

use crate::sync::Ordering::SeqCst;
use crate::sync::{AtomicBool, AtomicU64, AtomicWaker};

#[derive(Debug)]
pub(crate) struct Bell {
    sleeping: AtomicBool,
    waker: AtomicWaker,
    ready: Box<[AtomicU64]>,
}

impl Bell {
    /// For channels up to this number.
    pub(crate) fn new(channel_max: usize) -> Self {
        Self {
            sleeping: AtomicBool::new(false),
            waker: AtomicWaker::new(),
            ready: (0..=channel_max / 64).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Whether the task slept. Who is told so wakes it, or does its work (see `bed`).
    pub(crate) fn take_sleeping(&self) -> bool {
        self.sleeping.load(SeqCst) && self.sleeping.swap(false, SeqCst)
    }

    pub(crate) fn wake(&self) {
        self.waker.wake();
    }

    pub(crate) fn ring(&self) {
        if self.take_sleeping() {
            self.wake();
        }
    }

    pub(crate) fn has_ready(&self) -> bool {
        self.ready.iter().any(|word| word.load(SeqCst) != 0)
    }

    /// The channel has something for the task; the caller rings.
    pub(crate) fn mark_ready(&self, channel: u16) {
        if let Some(word) = self.ready.get(usize::from(channel) / 64) {
            let bit = 1 << (channel % 64);
            if word.load(SeqCst) & bit == 0 {
                word.fetch_or(bit, SeqCst);
            }
        }
    }

    /// The channel has something for the task.
    pub(crate) fn set_ready(&self, channel: u16) {
        self.mark_ready(channel);
        self.ring();
    }

    /// Takes all bits and calls `each` with every channel that was set.
    pub(crate) fn take_ready(&self, mut each: impl FnMut(u16)) {
        for (index, word) in self.ready.iter().enumerate() {
            if word.load(SeqCst) == 0 {
                continue;
            }
            let mut bits = word.swap(0, SeqCst);
            while bits != 0 {
                each((index * 64) as u16 + bits.trailing_zeros() as u16);
                bits &= bits - 1;
            }
        }
    }

    /// Whose ring is heard.
    pub(crate) fn register(&self, cx: &Context<'_>) {
        self.waker.register(cx.waker());
    }

    /// The task is about to sleep. It has to look for what may have been set before; from now on it is woken.
    pub(crate) fn sleep(&self, cx: &Context<'_>) {
        self.register(cx);
        self.sleep_on();
    }

    /// As [`sleep`](Self::sleep), for who took its sleep and did not wake it.
    pub(crate) fn sleep_on(&self) {
        self.sleeping.store(true, SeqCst);
    }

    /// The task is awake and will look.
    pub(crate) fn awake(&self) {
        self.sleeping.store(false, SeqCst);
    }
}
