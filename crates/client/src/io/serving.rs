//! A connection that is being served. It lies in its `bed` while its task sleeps.
//!
//! Who sends one message and waits for it finds it there and does the task's work on the spot: the message is written without a
//! wake-up, without another thread. Who sends many never does; those go out together when the task comes round to them.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll, Waker};

use super::link::{Event, Link};
use super::shared::ConnectionShared;
use super::task::{End, Task};
use crate::error::{Error, Scope};

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
                Event::Bell => {}
                Event::Written => self.task.on_written(),
                Event::Lost(text) => return (self, End::Lost(text)),
            }
            if self.task.shared.close_now.load(SeqCst) {
                return (self, End::Closed(Error::closed_by_application(Scope::Connection)));
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

impl ConnectionShared {
    /// As [`set_ready`](Self::set_ready), for a caller that sends one message and waits for it: if the task sleeps, its work is done
    /// here. Never waits.
    pub(crate) fn set_ready_and_work(&self, channel: u16) {
        self.bell.mark_ready(channel);
        // A stream may be of the kind that needs a runtime.
        if tokio::runtime::Handle::try_current().is_ok() {
            self.bed.ring_or_work(&self.bell, || self.has_ready(), Serving::work);
        } else {
            self.ring();
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
        self.shared.bed.get_up(&self.shared.bell, cx)
    }
}

impl Future for Sleep {
    type Output = (Box<Serving>, Event);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(mut serving) = self.get_up(cx) else { return Poll::Pending };
        let Task { shared, commands, .. } = &mut serving.task;
        match serving.link.poll_event(cx, shared, commands) {
            Poll::Ready(event) => {
                self.shared.bell.awake();
                Poll::Ready((serving, event))
            }
            Poll::Pending => {
                if !serving.waker.will_wake(cx.waker()) {
                    serving.waker = cx.waker().clone();
                }
                self.shared.bed.lie_down(serving);
                Poll::Pending
            }
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if self.serving.is_none() {
            drop(self.shared.bed.clear());
        }
    }
}
