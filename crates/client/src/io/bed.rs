//! Where a connection lies while its task sleeps, so that a caller can do the task's work in its stead.
//!
//! Whoever took the task's sleep ([`Bell::take_sleeping`]) owes it a wake-up, or the work and another sleep. A task that wakes while a
//! caller is at work says so in `wanted`, and is woken once more when the caller has left.

use std::fmt;
use std::task::Context;

use super::bell::Bell;
use crate::sync::Ordering::SeqCst;
use crate::sync::{AtomicBool, Mutex, fence};

pub(crate) struct Bed<T> {
    lying: Mutex<Option<Box<T>>>,
    /// The task woke while a caller was at work.
    wanted: AtomicBool,
}

impl<T> fmt::Debug for Bed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bed").field("wanted", &self.wanted).finish_non_exhaustive()
    }
}

impl<T> Bed<T> {
    pub(crate) fn new() -> Self {
        Self { lying: Mutex::new(None), wanted: AtomicBool::new(false) }
    }

    /// For a caller that has something for the task and rang: if the task sleeps, `work` is done here, and whoever handed over
    /// something meanwhile is looked after. `work` says whether nothing is left for the task, `is_ready` whether something came. Never
    /// waits.
    pub(crate) fn ring_or_work(
        &self,
        bell: &Bell,
        is_ready: impl FnOnce() -> bool,
        work: impl FnOnce(&mut T) -> bool,
    ) {
        if !bell.take_sleeping() {
            return; // awake: it looks before it sleeps
        }
        let mut idle = false;
        if let Some(mut lying) = self.lying.try_lock() {
            idle = lying.as_mut().is_some_and(|lying| work(lying));
            if idle {
                bell.sleep_on();
                // Others that found nobody asleep meanwhile rely on a look after that.
                idle = !(is_ready() && bell.take_sleeping());
            }
        }
        fence(SeqCst);
        if self.wanted.swap(false, SeqCst) || !idle {
            bell.wake();
        }
    }

    /// For the task that woke. `None`: a caller is at work, and wakes it after that.
    pub(crate) fn get_up(&self, bell: &Bell, cx: &Context<'_>) -> Option<Box<T>> {
        bell.register(cx);
        self.wanted.store(true, SeqCst);
        fence(SeqCst);
        let lying = self.lying.try_lock()?.take();
        self.wanted.store(false, SeqCst);
        lying
    }

    /// The task sleeps. Who rang since its last look finds the bed empty, and wakes it.
    pub(crate) fn lie_down(&self, lying: Box<T>) {
        *self.lying.lock() = Some(lying);
    }

    /// Out of it, whoever is at work.
    pub(crate) fn clear(&self) -> Option<Box<T>> {
        self.lying.lock().take()
    }
}
