//! Makes scripts: mostly what programs do, now and then what they should not.

use super::author::{Author, Traits};
use super::{Act, Step};
use crate::random::Random;
use leveret_dialogues::Method;
use std::collections::{BTreeMap, BTreeSet};

/// The script of a seed.
pub(crate) fn script(seed: u64) -> Vec<Step> {
    let mut random = Random::new(seed);
    let connections = random.weighted(&[(4, 1), (4, 2), (2, 3)]);
    let channels = random.weighted(&[(3, 1), (4, 2), (3, 3)]);
    let traits = Traits {
        several: random.percent(25),
        quorum: random.percent(6),
        dead_letters: random.percent(40),
        priorities: random.percent(40),
    };
    let length = 20 + random.below(41);
    let mut author = Author {
        random,
        queues: BTreeMap::new(),
        exchanges: BTreeMap::new(),
        consumed: BTreeSet::new(),
        transactions: BTreeSet::new(),
        traits,
        messages: 0,
    };
    let mut steps: Vec<Step> = Vec::new();
    let mut at = (0, 1);
    while steps.len() < length {
        // Channels do several things in a row, as programs do.
        if author.random.percent(45) {
            at = (
                author.random.below(connections),
                1 + u16::try_from(author.random.below(channels)).unwrap_or(0),
            );
        }
        let act = match steps.len() {
            0..3 => author.declare_queue(),
            3..6 if author.random.percent(50) => author.declare_exchange(),
            3..6 => author.bind(),
            _ => author.act(at),
        };
        // What belongs together: messages in runs, and settlements of what was just got.
        let again = match &act {
            Act::Publish(..) if author.random.percent(40) => Some(author.publish()),
            Act::Method(Method::BasicGet(_) | Method::BasicConsume(_)) if author.random.percent(50) => {
                Some(author.settle())
            }
            Act::Settle(..) if author.random.percent(30) => Some(author.settle()),
            _ => None,
        };
        let (connection, channel) = at;
        steps.push(Step { connection, channel, act });
        steps.extend(again.map(|act| Step { connection, channel, act }));
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use leveret_dialogues::protocol::ShortStr;

    fn text(seed: u64) -> Vec<String> {
        script(seed).iter().map(Step::to_string).collect()
    }

    #[test]
    fn a_seed_repeats_and_seeds_differ() {
        assert_eq!(text(7), text(7));
        assert_ne!(text(7), text(8));
    }

    /// What is bound between exchanges that stay would be there for the next script.
    #[test]
    fn nothing_is_bound_that_outlives_a_script() {
        let lasts = |name: ShortStr<'_>| name.as_bytes().starts_with(b"amq.");
        for step in (0..500).flat_map(script) {
            if let Act::Method(Method::ExchangeBind(bind)) = step.act {
                assert!(!lasts(bind.destination) || !lasts(bind.source), "{bind:?}");
            }
        }
    }
}
