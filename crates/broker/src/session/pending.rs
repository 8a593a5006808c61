//! Work for queues that a connection collected while it went through one read's frames, so that each queue is locked once.

use crate::mailbox::{Mailbox, delivery_bytes};
use crate::queue::{Incoming, Queue, Settled};
use crate::recorder::Recorder;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Queues remembered between batches; more than this and the list is started anew.
const REMEMBERED_MAX: usize = 64;

#[derive(Debug)]
struct Work {
    queue: Arc<Queue>,
    incoming: Vec<Incoming>,
    settled: Vec<Settled>,
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    works: Vec<Work>,
    /// Where a queue's work stands, once there are too many to look through.
    index: std::collections::HashMap<u64, u32, foldhash::fast::FixedState>,
    busy: Vec<u32>,
    rejected: Vec<Incoming>,
    /// Connections that this one's publishings ran ahead of, and up to where they are to write before it goes on.
    ahead_of: Vec<(Arc<Mailbox>, u64)>,
}

impl Pending {
    #[inline]
    fn work(&mut self, queue: &Arc<Queue>) -> &mut Work {
        let at = self.find(queue);
        let work = &mut self.works[at as usize];
        if work.incoming.is_empty() && work.settled.is_empty() {
            self.busy.push(at);
        }
        work
    }

    #[inline]
    fn find(&mut self, queue: &Arc<Queue>) -> u32 {
        let known = if self.works.len() <= 16 {
            self.works.iter().position(|work| Arc::ptr_eq(&work.queue, queue)).map(|at| at as u32)
        } else {
            self.index.get(&queue.id()).copied()
        };
        known.unwrap_or_else(|| {
            let at = self.works.len() as u32;
            self.works.push(Work { queue: queue.clone(), incoming: Vec::new(), settled: Vec::new() });
            self.index.insert(queue.id(), at);
            at
        })
    }

    #[inline]
    pub(crate) fn publish(&mut self, queue: &Arc<Queue>, incoming: Incoming) {
        self.work(queue).incoming.push(incoming);
    }

    #[inline]
    pub(crate) fn settle(&mut self, queue: &Arc<Queue>, settled: Settled) {
        self.work(queue).settled.push(settled);
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.busy.is_empty()
    }

    /// Does all of it; what is for the store is left with the recorder. `refused` hears of publishings that a full queue refused.
    pub(crate) fn flush(&mut self, recorder: &mut Recorder, now_ms: u64, mut refused: impl FnMut(u16, u64)) {
        for at in self.busy.drain(..) {
            let work = &mut self.works[at as usize];
            for settled in &work.settled {
                recorder.settle(work.queue.id(), settled);
            }
            work.queue.record(recorder, |state, queue, outcome| {
                if !work.settled.is_empty() {
                    state.settle(queue, &work.settled, now_ms, outcome);
                    work.settled.clear();
                }
                if !work.incoming.is_empty() {
                    let bytes: usize = work.incoming.iter().map(|i| delivery_bytes(&i.message)).sum();
                    state.publish(queue, &mut work.incoming, &mut self.rejected, now_ms, outcome);
                    if let Some(mailbox) = outcome.congested.take() {
                        run_ahead(&mut self.ahead_of, mailbox, bytes as u64);
                    }
                }
            });
            self.rejected.drain(..).for_each(|incoming| refused(incoming.channel, incoming.confirm));
            recorder.take_refused().into_iter().for_each(|(channel, confirm)| refused(channel, confirm));
        }
        if self.works.len() > REMEMBERED_MAX {
            self.forget();
        }
    }

    /// Pending while a consumer's connection has to catch up before more is published.
    pub(crate) fn poll_caught_up(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Some((mailbox, target)) = self.ahead_of.last() {
            if mailbox.poll_written(*target, cx).is_pending() {
                return Poll::Pending;
            }
            self.ahead_of.pop();
        }
        Poll::Ready(())
    }

    /// Lets go of queues remembered for the next batch.
    pub(crate) fn forget(&mut self) {
        debug_assert!(self.busy.is_empty(), "work is flushed before queues are forgotten");
        self.works = Vec::new();
        self.index.clear();
    }
}

fn run_ahead(ahead_of: &mut Vec<(Arc<Mailbox>, u64)>, mailbox: Arc<Mailbox>, bytes: u64) {
    match ahead_of.iter_mut().find(|(known, _)| Arc::ptr_eq(known, &mailbox)) {
        Some((_, target)) => *target += bytes,
        None => {
            let target = mailbox.written_bytes() + bytes;
            ahead_of.push((mailbox, target));
        }
    }
}
