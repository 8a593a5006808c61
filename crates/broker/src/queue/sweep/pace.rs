//! How many messages may go when.

/// A rate, kept to on average; after a halt it is not made up for.
#[derive(Debug)]
pub(super) struct Pace {
    per_second: u64,
    /// When counting began, and how many went since.
    since_ms: u64,
    gone: u64,
}

impl Pace {
    pub(super) fn new(per_second: u32, now_ms: u64) -> Self {
        Self { per_second: u64::from(per_second.max(1)), since_ms: now_ms, gone: 0 }
    }

    /// How many may go now; the first may at once.
    pub(super) fn allowed(&mut self, now_ms: u64) -> u64 {
        let due = 1 + (now_ms - self.since_ms) * self.per_second / 1000;
        let allowed = due.saturating_sub(self.gone);
        // What was not used for more than a second is lost.
        if allowed > self.per_second {
            (self.since_ms, self.gone) = (now_ms, 0);
            return self.per_second.min(allowed);
        }
        allowed
    }

    pub(super) fn went(&mut self, count: u64) {
        self.gone += count;
    }

    /// When the next one may go.
    pub(super) fn next_ms(&self) -> u64 {
        self.since_ms + (self.gone * 1000).div_ceil(self.per_second)
    }
}
