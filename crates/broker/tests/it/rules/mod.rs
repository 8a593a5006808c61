//! One queue with everything on, any sequence of operations, against a model of two pages (`model`). `world` does the same to a broker.
//!
//! `LEVERET_MODEL_CASES=5000 cargo test -p leveret-broker --test it rules` runs longer. A failure prints the shortest sequence of steps that
//! still fails.

mod model;
mod world;

use model::{How, Overflow};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use world::{Setup, World};

#[derive(Debug, Clone)]
enum Step {
    Publish {
        priority: u8,
        ttl_ms: Option<u64>,
        size: usize,
        lasts: bool,
        id: Option<u8>,
    },
    Get {
        channel: u16,
        no_ack: bool,
    },
    /// Settles one held message or, with `multiple`, it and all before it.
    Settle {
        channel: u16,
        which: prop::sample::Index,
        multiple: bool,
        how: How,
    },
    Consume {
        channel: u16,
        prefetch: u16,
        priority: i32,
        no_ack: bool,
    },
    Cancel(prop::sample::Index),
    /// Closes a channel and opens it again.
    Close(u16),
    Pass(u64),
    Policy(Policy),
    Purge,
    Pause(bool),
    Browse(usize),
    Delete(u8),
    Expire(u8),
    Move(u8),
    /// An orderly stop or a power cut, and a start so much later; nothing in a broker without a disk.
    Restart {
        is_cut: bool,
        later_ms: u64,
    },
}

/// One line each.
#[derive(Clone)]
struct Steps(Vec<Step>);

impl std::fmt::Debug for Steps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().enumerate().try_for_each(|(at, step)| f.write_str(&format!("\n{at:3} {step:?}")))
    }
}

#[derive(Debug, Clone, Default)]
struct Policy {
    ttl_ms: Option<u64>,
    length_max: Option<usize>,
    bytes_max: Option<usize>,
    overflow: Overflow,
    delivery_limit: Option<u32>,
    ladder_ms: Option<Vec<u64>>,
    has_dead_letters: bool,
    /// Ids remembered, unless the declaration says how many.
    ids: Option<usize>,
}

fn policies() -> impl Strategy<Value = Policy> {
    let overflow = [Overflow::DropHead, Overflow::RejectPublish, Overflow::RejectPublishDlx];
    let rung = prop::sample::select(vec![0_u64, 100, 1000, 5000]);
    (
        prop::option::weighted(0.3, prop::sample::select(vec![0_u64, 100, 3000])),
        prop::option::weighted(0.4, 0_usize..6),
        prop::option::weighted(0.2, 0_usize..150),
        prop::sample::select(overflow.to_vec()),
        prop::option::weighted(0.3, 0_u32..4),
        prop::option::weighted(0.5, prop::collection::vec(rung, 0..4)),
        prop::bool::weighted(0.8),
        prop::option::of(1_usize..6),
    )
        .prop_map(
            |(ttl_ms, length_max, bytes_max, overflow, delivery_limit, ladder_ms, has_dead_letters, ids)| {
                Policy {
                    ttl_ms,
                    length_max,
                    bytes_max,
                    overflow,
                    delivery_limit,
                    ladder_ms,
                    has_dead_letters,
                    ids,
                }
            },
        )
}

fn steps() -> impl Strategy<Value = Steps> {
    let channel = || 2_u16..4;
    let index = any::<prop::sample::Index>;
    let kind = || 0_u8..3;
    let how = prop::sample::select(vec![How::Ack, How::Drop, How::GiveBack, How::Fail, How::Fail]);
    let ttl = prop::option::weighted(0.25, prop::sample::select(vec![0_u64, 50, 1000, 4000]));
    let id = prop::option::weighted(0.5, 0_u8..6);
    let publish = (0_u8..5, ttl, 0_usize..40, any::<bool>(), id)
        .prop_map(|(priority, ttl_ms, size, lasts, id)| Step::Publish { priority, ttl_ms, size, lasts, id });
    let step = prop_oneof![
        24 => publish,
        8 => (channel(), prop::bool::weighted(0.2)).prop_map(|(channel, no_ack)| Step::Get { channel, no_ack }),
        16 => (channel(), index(), prop::bool::weighted(0.25), how)
            .prop_map(|(channel, which, multiple, how)| Step::Settle { channel, which, multiple, how }),
        4 => (channel(), 0_u16..4, 0_i32..2, prop::bool::weighted(0.1))
            .prop_map(|(channel, prefetch, priority, no_ack)| Step::Consume { channel, prefetch, priority, no_ack }),
        4 => index().prop_map(Step::Cancel),
        2 => channel().prop_map(Step::Close),
        8 => prop::sample::select(vec![1_u64, 50, 99, 100, 900, 1000, 4000, 20_000]).prop_map(Step::Pass),
        4 => policies().prop_map(Step::Policy),
        1 => Just(Step::Purge),
        2 => any::<bool>().prop_map(Step::Pause),
        2 => (1_usize..8).prop_map(Step::Browse),
        1 => kind().prop_map(Step::Delete),
        1 => kind().prop_map(Step::Expire),
        1 => kind().prop_map(Step::Move),
        2 => (any::<bool>(), prop::sample::select(vec![0_u64, 50, 1000, 10_000]))
            .prop_map(|(is_cut, later_ms)| Step::Restart { is_cut, later_ms }),
    ];
    prop::collection::vec(step, 1..80).prop_map(Steps)
}

fn setups(is_on_disk: bool) -> impl Strategy<Value = Setup> {
    let ids = prop::option::of((1_usize..6, prop::sample::select(vec![500_u64, 5000])));
    (any::<bool>(), 0_u8..4, prop::bool::weighted(0.3), ids).prop_map(
        move |(is_quorum, priority_max, is_single_active, ids)| Setup {
            is_on_disk,
            is_quorum,
            priority_max: if is_quorum { 0 } else { priority_max },
            is_single_active,
            ids,
        },
    )
}

fn check(setup: Setup, Steps(steps): Steps) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let mut world = World::start(setup).await;
        for (at, step) in steps.into_iter().enumerate() {
            let about = format!("at step {at}, {step:?}");
            world.step(step, &about).await;
            world.compare(&about).await;
        }
        world.end().await;
    });
}

fn config(cases: u32) -> ProptestConfig {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u32>().ok());
    let wanted = number("LEVERET_MODEL_CASES");
    let seed = number("LEVERET_MODEL_SEED").or(wanted.is_none().then_some(7));
    ProptestConfig {
        cases: wanted.unwrap_or(cases),
        // Always the same ones, unless more are asked for: then always others.
        rng_seed: seed.map_or(RngSeed::Random, |seed| RngSeed::Fixed(seed.into())),
        max_shrink_time: 60_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(100))]

    #[test]
    fn a_queue_in_memory_does_what_the_model_does(setup in setups(false), steps in steps()) {
        check(setup, steps);
    }
}

proptest! {
    #![proptest_config(config(30))]

    #[test]
    fn a_queue_on_disk_does_what_the_model_does_over_restarts_and_power_cuts(setup in setups(true), steps in steps()) {
        check(setup, steps);
    }
}
