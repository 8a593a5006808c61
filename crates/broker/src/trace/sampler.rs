//! Which messages leave a trace.

use super::context::Parent;

/// The rule. A message with a `traceparent` follows what that says, or (not `parent_based`) the ratio, by its trace id as OpenTelemetry's
/// `traceidratio` does. One without follows the ratio.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampler {
    /// The `traceparent`'s flag decides where there is one.
    pub parent_based: bool,
    /// Share of the others, 0 to 1.
    pub ratio: f64,
}

impl Default for Sampler {
    /// Only what a publisher sampled.
    fn default() -> Self {
        Self { parent_based: true, ratio: 0.0 }
    }
}

impl Sampler {
    pub(crate) fn takes(&self, parent: &Parent) -> bool {
        if self.parent_based {
            return parent.sampled;
        }
        let [.., a, b, c, d, e, f, g] = parent.trace_id;
        let number = u64::from_be_bytes([0, a, b, c, d, e, f, g]);
        (number as f64) < self.ratio * (1u64 << 56) as f64
    }
}

/// Draws messages by the ratio: how many more are passed over is drawn, so that each of these costs a subtraction. One for each
/// connection.
#[derive(Debug, Default)]
pub(crate) struct Draw {
    left: Option<u64>,
}

impl Draw {
    /// Whether this message is drawn.
    pub(crate) fn hit(&mut self, sampler: &Sampler) -> bool {
        let gap = || gap(sampler.ratio, rand::random());
        let left = self.left.unwrap_or_else(gap);
        self.left = Some(left.checked_sub(1).unwrap_or_else(gap));
        left == 0
    }
}

/// How many messages are passed over before the next that is drawn, for a random `number` from 0 to 1: geometrically distributed.
fn gap(ratio: f64, number: f64) -> u64 {
    if ratio >= 1.0 {
        0
    } else if ratio <= 0.0 {
        u64::MAX
    } else {
        ((1.0 - number).ln() / (1.0 - ratio).ln()) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(sampler: Sampler, messages: usize) -> f64 {
        let mut draw = Draw::default();
        (0..messages).filter(|_| draw.hit(&sampler)).count() as f64 / messages as f64
    }

    #[test]
    fn the_ratio_is_kept() {
        let of = |ratio| Sampler { ratio, ..Sampler::default() };
        assert_eq!(share(of(0.0), 10_000), 0.0);
        assert_eq!(share(of(1.0), 10_000), 1.0);
        for (ratio, spread) in [(0.01, 0.002), (0.5, 0.01)] {
            let share = share(of(ratio), 200_000);
            assert!((share - ratio).abs() < spread, "{share} of {ratio}");
        }
    }

    #[test]
    fn connections_of_one_message_each_are_drawn_as_often() {
        let sampler = Sampler { ratio: 0.25, ..Sampler::default() };
        let hits = (0..40_000).filter(|_| Draw::default().hit(&sampler)).count();
        assert!((9_500..10_500).contains(&hits), "{hits} of 40000");
    }

    #[test]
    fn a_parent_decides_or_its_trace_id_does() {
        let parent = |last: u8, sampled| Parent { trace_id: [last; 16], span_id: [1; 8], sampled };
        let flag = Sampler::default();
        assert!(flag.takes(&parent(255, true)) && !flag.takes(&parent(0, false)));
        let half = Sampler { parent_based: false, ratio: 0.5 };
        assert!(half.takes(&parent(0x7f, false)) && !half.takes(&parent(0x80, true)));
    }
}
