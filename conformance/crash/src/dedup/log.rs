//! What a publisher and a consumer know, in the order in which they learned it.

use parking_lot::Mutex;
use std::sync::Arc;

/// One thing that was done or learned. Ids count from 0 in the order in which they were sent first.
#[derive(Debug, Clone, Copy)]
pub(super) enum Event {
    /// About to be sent, maybe not for the first time.
    Sent(usize),
    Confirmed(usize),
    /// About to be acked in a queue.
    Acked(usize, usize),
    /// The transaction with the ack was committed: it is stored.
    Settled(usize, usize),
}

/// Shared by everybody who acts on one broker after another.
#[derive(Debug, Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<Event>>>);

impl Log {
    pub(super) fn add(&self, event: Event) {
        self.0.lock().push(event);
    }

    pub(super) fn len(&self) -> usize {
        self.0.lock().len()
    }

    /// A log that begins as this one does.
    pub(super) fn first(&self, len: usize) -> Self {
        Self(Arc::new(Mutex::new(self.0.lock()[..len].to_vec())))
    }

    /// What is known of each id that was sent.
    pub(super) fn fates(&self) -> Vec<Fate> {
        let mut fates: Vec<Fate> = Vec::new();
        let mut confirmed = 0;
        for event in &*self.0.lock() {
            match *event {
                Event::Sent(id) if id >= fates.len() => {
                    fates.push(Fate { confirmed_before: confirmed, ..Fate::default() });
                }
                Event::Sent(_) => {}
                Event::Confirmed(id) => {
                    confirmed += usize::from(!fates[id].confirmed);
                    fates[id].confirmed = true;
                }
                Event::Acked(queue, id) => fates[id].acked[queue] = true,
                Event::Settled(queue, id) => fates[id].settled[queue] = true,
            }
        }
        fates
    }
}

/// What is known of an id.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Fate {
    pub(super) confirmed: bool,
    /// By queue.
    pub(super) acked: [bool; 2],
    pub(super) settled: [bool; 2],
    /// Ids that came before it for certain: no more than the others may be behind it in the window.
    confirmed_before: usize,
}

impl Fate {
    /// Whether it must be among the last `window` ids when `count` were sent.
    pub(super) fn is_within(&self, window: usize, count: usize) -> bool {
        count - self.confirmed_before <= window
    }
}
