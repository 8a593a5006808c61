//! How far messages of a queue may have been delivered, said to the store ahead of time.
//!
//! After a crash the store must know which messages a consumer may have seen. Writing that down for each delivery would cost
//! as much as the messages; so a position is named that lies ahead of the last delivery, and moved on when deliveries come near it.
//! The price: after a crash some messages that nobody saw carry the flag `redelivered` as well.

/// Positions between the last delivery and what was said, at first; doubled each time, up to [`STEP_MAX`].
const STEP_MIN: u64 = 32;
const STEP_MAX: u64 = 65_536;

/// See the module's documentation.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Ahead {
    through: u64,
    step: u64,
}

impl Ahead {
    /// A message is handed out. The position to name, if it is time.
    #[inline]
    pub(crate) fn deliver(&mut self, position: u64) -> Option<u64> {
        if position + self.step / 2 < self.through {
            return None;
        }
        self.step = (self.step * 2).clamp(STEP_MIN, STEP_MAX);
        self.through = position + self.step;
        Some(self.through)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_delivered_was_announced_before_and_seldom() {
        let mut ahead = Ahead::default();
        let (mut said, mut times) = (0, 0);
        for position in 1..=1_000_000 {
            if let Some(through) = ahead.deliver(position) {
                assert!(through > position && through > said);
                (said, times) = (through, times + 1);
            }
            assert!(position < said);
        }
        assert!(times < 60, "{times}");
    }
}
