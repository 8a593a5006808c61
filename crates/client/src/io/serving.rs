//! A connection that is being served, and the place where it lies while its task sleeps.
//!
//! Who sends one message and waits for it finds it there and does the task's work on the spot: the message is written without a
//! wake-up, without another thread. Who sends many never does; those go out together when the task comes round to them.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, fence};
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

use super::link::{Event, Link};
use super::shared::ConnectionShared;
use super::task::{End, Task};

pub(crate) struct Serving {
    pub(super) task: Task,
    pub(super) link: Link,
    /// The task's, for what is polled in its stead.
    waker: Waker,
    /// What came out while the task slept.
    end: Option<End>,
}

impl Serving {
    pub(super) fn new(task: Task, link: Link) -> Box<Self> {
        Box::new(Self { task, link, waker: Waker::noop().clone(), end: None })
    }

    /// One connection, from open to its end.
    pub(super) async fn serve(mut self: Box<Self>) -> (Box<Self>, End) {
        if let Err(end) = self.task.begin(&mut self.link).await {
            return (self, end);
        }
        loop {
            if let Some(end) = self.end.take() {
                return (self, end);
            }
            if let Err(end) = self.task.round(&mut self.link) {
                return (self, end);
            }
            let shared = self.task.shared.clone();
            let (back, event) = Sleep { shared, serving: Some(self) }.await;
            self = back;
            match event {
                Event::Read => {
                    if let Err(end) = self.task.on_read(&mut self.link) {
                        return (self, end);
                    }
                }
                Event::Command(command) => self.task.command(*command, &mut self.link),
                Event::Timer => self.task.rearm = true,
                Event::Bell | Event::Written => {}
                Event::Lost(text) => return (self, End::Lost(text)),
            }
        }
    }

    /// A round and a write in the task's stead. False: something is left for the task.
    fn work(&mut self) -> bool {
        if self.end.is_some() || !self.link.out.is_empty() {
            return false;
        }
        let alarm = self.link.alarm();
        if let Err(end) = self.task.round(&mut self.link) {
            self.end = Some(end);
            return false;
        }
        if let Err(text) = self.link.poll_write(&mut Context::from_waker(&self.waker)) {
            self.end = Some(End::Lost(text));
            return false;
        }
        self.link.out.is_empty() && self.link.alarm() == alarm && !self.task.has_work()
    }
}

/// Where a connection lies while its task sleeps.
#[derive(Default)]
pub(crate) struct Bed {
    serving: Mutex<Option<Box<Serving>>>,
    /// The task woke while a caller was at work.
    wanted: AtomicBool,
}

impl fmt::Debug for Bed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bed").field("wanted", &self.wanted).finish_non_exhaustive()
    }
}

impl ConnectionShared {
    /// As [`set_ready`](Self::set_ready), for a caller that sends one message and waits for it: if the task sleeps, its work is done
    /// here. Never waits.
    pub(crate) fn set_ready_and_work(&self, channel: u16) {
        self.mark_ready(channel);
        if !self.take_sleeping() {
            return; // awake: it looks before it sleeps
        }
        // A stream may be of the kind that needs a runtime.
        let mut idle = false;
        if tokio::runtime::Handle::try_current().is_ok()
            && let Some(mut bed) = self.bed.serving.try_lock()
        {
            idle = bed.as_mut().is_some_and(|serving| serving.work());
            if idle {
                self.sleeping.store(true, SeqCst);
                // Others that found nobody asleep meanwhile rely on a look after that.
                idle = !(self.has_ready() && self.take_sleeping());
            }
        }
        fence(SeqCst);
        if self.bed.wanted.swap(false, SeqCst) || !idle {
            self.waker.wake();
        }
    }
}

/// The task between two events. Dropped, it takes the connection with it.
struct Sleep {
    shared: Arc<ConnectionShared>,
    /// `None`: in its bed.
    serving: Option<Box<Serving>>,
}

impl Sleep {
    /// `None`: a caller is at work, and wakes the task after that.
    fn get_up(&mut self, cx: &Context<'_>) -> Option<Box<Serving>> {
        if let Some(serving) = self.serving.take() {
            return Some(serving);
        }
        let bed = &self.shared.bed;
        self.shared.waker.register(cx.waker());
        bed.wanted.store(true, SeqCst);
        fence(SeqCst);
        let serving = bed.serving.try_lock()?.take();
        bed.wanted.store(false, SeqCst);
        serving
    }
}

impl Future for Sleep {
    type Output = (Box<Serving>, Event);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(mut serving) = self.get_up(cx) else { return Poll::Pending };
        let Task { shared, commands, .. } = &mut serving.task;
        match serving.link.poll_event(cx, shared, commands) {
            Poll::Ready(event) => {
                self.shared.sleeping.store(false, SeqCst);
                Poll::Ready((serving, event))
            }
            Poll::Pending => {
                if !serving.waker.will_wake(cx.waker()) {
                    serving.waker = cx.waker().clone();
                }
                // Who rang since the last look finds the bed empty, and wakes the task.
                *self.shared.bed.serving.lock() = Some(serving);
                Poll::Pending
            }
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if self.serving.is_none() {
            drop(self.shared.bed.serving.lock().take());
        }
    }
}
