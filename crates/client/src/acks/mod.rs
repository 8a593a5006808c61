//! Turns settled deliveries of one channel into as few frames as the protocol allows, without holding an ack back for long.
//!
//! A frame with `multiple` covers a contiguous run of finished deliveries from the oldest on, never one that is still being
//! worked on. Acks wait until there is nothing else to do, until half the prefetch is settled (or the broker would run dry), or
//! for [`ACK_DELAY_MAX`]. Nacks and rejects do not wait. Time is an argument; frames are handed back.
//!
//! Belongs to a channel, not to a consumer: delivery tags do.

mod frames;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

pub use frames::{SettleError, SettleFrame, Settlement};

/// No ack waits longer to be written.
pub const ACK_DELAY_MAX: Duration = Duration::from_millis(10);

/// Acks that are gathered at most when there is no prefetch, that is, no window that could run dry.
const GATHERED_MAX: usize = 512;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Outstanding,
    /// Acked by the application; the frame is not written yet.
    Acked,
    /// Nothing to write for it (any more).
    Done,
}

/// The deliveries of one channel that are not settled, and the acks that wait to be written.
///
/// ```
/// use std::time::Instant;
/// use leveret_client::acks::{Coalescer, SettleFrame, Settlement::Ack};
///
/// let (now, mut frames) = (Instant::now(), Vec::new());
/// let mut acks = Coalescer::new(100);
/// (1..=4).for_each(|tag| acks.delivered(tag));
/// for tag in [1, 2, 4] {
///     acks.settle(acks.epoch(), tag, Ack, now, &mut frames)?;
/// }
/// assert!(frames.is_empty() && acks.deadline().is_some());
/// acks.flush(&mut frames);
/// let (two, four) = (SettleFrame { kind: Ack, tag: 2, multiple: true }, SettleFrame { kind: Ack, tag: 4, multiple: false });
/// assert_eq!(frames, [two, four]); // three is still being worked on
/// # Ok::<(), leveret_client::acks::SettleError>(())
/// ```
#[derive(Debug)]
pub struct Coalescer {
    epoch: u32,
    gathered_max: usize,
    /// The oldest delivery that is not settled; `states[0]` is its state and always `Outstanding`.
    base: u64,
    states: VecDeque<State>,
    outstanding: usize,
    /// Acks below `base` that wait: how many, and the last of them.
    prefix: usize,
    prefix_last: u64,
    /// Acks that had an elder unsettled when they came, in that order; those below `base` by now are counted in `prefix`.
    early: Vec<u64>,
    early_waiting: usize,
    oldest: Option<Instant>,
}

impl Coalescer {
    /// For a channel with that prefetch count; zero: none.
    #[must_use]
    pub fn new(prefetch: u16) -> Self {
        Self {
            epoch: 0,
            gathered_max: gathered_max(prefetch),
            base: 1,
            states: VecDeque::new(),
            outstanding: 0,
            prefix: 0,
            prefix_last: 0,
            early: Vec::new(),
            early_waiting: 0,
            oldest: None,
        }
    }

    /// Counts channels that replaced each other; deliveries carry the one they came in.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Deliveries not settled by the application.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        self.outstanding
    }

    /// Acks that wait to be written.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.prefix + self.early_waiting
    }

    /// When [`Coalescer::on_timer`] is due, if an ack waits.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.oldest.map(|oldest| oldest + ACK_DELAY_MAX)
    }

    /// The prefetch count was changed; counts from the next ack on.
    pub fn set_prefetch(&mut self, prefetch: u16) {
        self.gathered_max = gathered_max(prefetch);
    }

    /// A delivery came that must be settled. Tags that were left out came without need of an ack (`no_ack`). Tags only grow on a
    /// channel; one that does not is ignored.
    #[inline]
    pub fn delivered(&mut self, tag: u64) {
        let next = self.next_tag();
        if tag < next || tag == u64::MAX {
            return;
        }
        if self.states.is_empty() {
            self.base = tag;
        } else {
            let gap = usize::try_from(tag - next).unwrap_or(usize::MAX).min(usize::from(u16::MAX));
            // A gap of more than 65 535 is taken for a broker's jest; the tag is then unknown rather than the memory full.
            if gap as u64 != tag - next {
                return;
            }
            self.states.extend(std::iter::repeat_n(State::Done, gap));
        }
        self.states.push_back(State::Outstanding);
        self.outstanding += 1;
    }

    /// Settles one delivery; appends what is to be written now, often nothing.
    ///
    /// # Errors
    /// When it is not outstanding; nothing changes then.
    pub fn settle(
        &mut self,
        epoch: u32,
        tag: u64,
        kind: Settlement,
        now: Instant,
        out: &mut Vec<SettleFrame>,
    ) -> Result<(), SettleError> {
        let index = self.find(epoch, tag)?;
        match self.states.get_mut(index) {
            Some(state) if *state == State::Outstanding => {
                *state = if kind == Settlement::Ack { State::Acked } else { State::Done };
            }
            _ => return Err(SettleError::AlreadySettled(tag)),
        }
        self.outstanding -= 1;
        if kind == Settlement::Ack {
            if index > 0 {
                self.early.push(tag);
            }
            self.early_waiting += 1;
            self.oldest.get_or_insert(now);
        } else {
            out.push(SettleFrame { kind, tag, multiple: false });
        }
        if index == 0 {
            self.advance();
        }
        if self.waiting() >= self.gathered_max {
            self.flush(out);
        }
        Ok(())
    }

    /// How many more acks make something due: the first that waits (its deadline), half the prefetch, the last of all. At least 1.
    pub(crate) fn until_flush(&self) -> usize {
        match self.waiting() {
            0 => 1,
            waiting => self.gathered_max.saturating_sub(waiting).min(self.outstanding).max(1),
        }
    }

    /// Settles everything outstanding up to and including the tag and writes at once; returns how many that were. Rejects have no
    /// such form and become one frame each.
    ///
    /// # Errors
    /// When that delivery is not outstanding itself; nothing changes then.
    pub fn settle_through(
        &mut self,
        epoch: u32,
        tag: u64,
        kind: Settlement,
        out: &mut Vec<SettleFrame>,
    ) -> Result<usize, SettleError> {
        let index = self.find(epoch, tag)?;
        if self.states.get(index) != Some(&State::Outstanding) {
            return Err(SettleError::AlreadySettled(tag));
        }
        if kind != Settlement::Ack {
            self.flush(out); // or a nack up to here would take acks that wait below with it
        }
        let mut count = 0;
        for (state, tag) in self.states.iter_mut().zip(self.base..).take(index + 1) {
            if *state == State::Outstanding {
                count += 1;
                *state = State::Done;
                if matches!(kind, Settlement::Reject { .. }) {
                    out.push(SettleFrame { kind, tag, multiple: false });
                }
            }
        }
        self.outstanding -= count;
        if kind == Settlement::Ack {
            // Covers the acks that waited below the tag too.
            for state in self.states.iter_mut().take(index + 1).filter(|state| **state == State::Acked) {
                *state = State::Done;
                self.early_waiting -= 1;
            }
            (self.prefix, self.prefix_last) = (0, 0);
        }
        let multiple = index > 0 || count > 1 || kind == Settlement::Ack;
        if !matches!(kind, Settlement::Reject { .. }) {
            out.push(SettleFrame { kind, tag, multiple });
        }
        self.advance();
        self.early.retain(|early| *early > tag);
        self.flush(out);
        Ok(count)
    }

    /// Writes the acks that wait, if the first of them has waited long enough.
    pub fn on_timer(&mut self, now: Instant, out: &mut Vec<SettleFrame>) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.flush(out);
        }
    }

    /// Writes all acks that wait: there is nothing else to do, or the channel is about to be closed.
    pub fn flush(&mut self, out: &mut Vec<SettleFrame>) {
        self.oldest = None;
        if self.prefix > 0 {
            out.push(SettleFrame { kind: Settlement::Ack, tag: self.prefix_last, multiple: self.prefix > 1 });
            self.prefix = 0;
        }
        for tag in self.early.drain(..) {
            let index = tag.checked_sub(self.base).and_then(|index| usize::try_from(index).ok());
            if let Some(state) =
                index.and_then(|index| self.states.get_mut(index)).filter(|s| **s == State::Acked)
            {
                *state = State::Done;
                self.early_waiting -= 1;
                out.push(SettleFrame { kind: Settlement::Ack, tag, multiple: false });
            }
        }
    }

    /// The channel is gone and a new one takes its place: a new epoch, tags from 1. Returns how many deliveries come again: those
    /// not settled and those whose ack was not written.
    pub fn reset(&mut self) -> usize {
        let again = self.outstanding + self.waiting();
        let epoch = self.epoch.wrapping_add(1);
        let gathered_max = self.gathered_max;
        *self = Self { epoch, gathered_max, ..Self::new(0) };
        again
    }

    fn next_tag(&self) -> u64 {
        self.base + self.states.len() as u64
    }

    fn find(&self, epoch: u32, tag: u64) -> Result<usize, SettleError> {
        if epoch != self.epoch {
            return Err(SettleError::Stale { tag, epoch, now: self.epoch });
        }
        if tag >= self.next_tag() || tag == 0 {
            return Err(SettleError::Unknown(tag));
        }
        let index = tag.checked_sub(self.base).and_then(|index| usize::try_from(index).ok());
        index.ok_or(SettleError::AlreadySettled(tag))
    }

    /// Forgets the settled ones from the oldest on; what waits of them becomes part of the prefix.
    #[inline]
    fn advance(&mut self) {
        while let Some(state) = self.states.front().filter(|state| **state != State::Outstanding) {
            if *state == State::Acked {
                self.prefix += 1;
                self.prefix_last = self.base;
                self.early_waiting -= 1;
            }
            self.states.pop_front();
            self.base += 1;
        }
    }
}

fn gathered_max(prefetch: u16) -> usize {
    if prefetch == 0 { GATHERED_MAX } else { usize::from(prefetch / 2).max(1) }
}

#[cfg(test)]
mod tests;
