//! How a workload is: its mixture, its sizes, how often it syncs. Different for each seed, so that different things are rare.

use crate::act::Act;
use crate::generate::Generator;
use leveret_store::disk::faulty::Dice;

/// What a workload does with which weight.
type Kind = (u64, fn(&mut Generator, &mut Vec<Act>));

/// How a workload is.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Bytes of a log file.
    pub file_bytes: u32,
    /// Appends in it.
    pub batches: u64,
    pub(crate) queues_max: u64,
    pub(crate) commit_percent: u64,
    pub(crate) tidy_percent: u64,
    pub(crate) look_percent: u64,
    pub(crate) reopen_percent: u64,
    pub(crate) tx_percent: u64,
    pub(crate) fan_out_percent: u64,
    pub(crate) range_max: u64,
    sizes: Sizes,
    weights: Vec<Kind>,
}

#[derive(Debug, Clone, Copy)]
enum Sizes {
    Small,
    Mixed,
    Large,
}

impl Profile {
    /// One profile of many.
    #[must_use]
    pub fn roll(dice: &mut Dice) -> Self {
        // One in four is a log: nothing is settled, the oldest go together. Those of a broker are its streams.
        let log = dice.chance(25);
        let consumed = |weight: u64| if log { 0 } else { weight };
        let consuming = dice.below(40);
        let weights: Vec<Kind> = vec![
            (30 + dice.below(30), Generator::publish),
            (consumed(consuming), Generator::settle_head),
            (consumed(dice.below(15)), Generator::settle_any),
            (consumed(dice.below(12)), Generator::settle_many),
            (consumed(dice.below(8)), Generator::give_back),
            (dice.below(8), Generator::deliver),
            (dice.below(3), Generator::clear),
            (if log { 6 } else { dice.below(2) }, Generator::trim),
            (consumed(dice.below(8)), Generator::dead_letter),
            (consumed(dice.below(4)), Generator::overtake),
            (2 + dice.below(3), Generator::declare),
            (dice.below(3), Generator::delete),
            (dice.below(8), Generator::define),
        ];
        Self {
            file_bytes: [16, 16, 24, 32, 64][dice.below(5) as usize] * 1024,
            batches: 60 + dice.below(100),
            queues_max: 1 + dice.below(6),
            commit_percent: 30 + dice.below(70),
            tidy_percent: dice.below(70),
            look_percent: dice.below(4),
            reopen_percent: dice.below(4),
            tx_percent: dice.below(20),
            fan_out_percent: dice.below(40),
            range_max: 1 + dice.below(30),
            sizes: [Sizes::Small, Sizes::Mixed, Sizes::Large][dice.below(3) as usize],
            weights,
        }
    }

    pub(crate) fn weights(&self) -> Vec<Kind> {
        self.weights.clone()
    }

    pub(crate) fn sum(&self) -> u64 {
        self.weights.iter().map(|(weight, _)| weight).sum()
    }

    pub(crate) fn size(&self, dice: &mut Dice) -> u64 {
        let end = match (self.sizes, dice.below(20)) {
            (Sizes::Small, 0..19) => 200,
            (Sizes::Small, _) | (Sizes::Mixed, 10..18) => 3000,
            (Sizes::Mixed, 0..10) => 300,
            (Sizes::Large, 0..8) => 1000,
            (Sizes::Large, 8..14) => 6000,
            (Sizes::Mixed | Sizes::Large, _) => 20 * 1024,
        };
        dice.below(end + 1)
    }
}
