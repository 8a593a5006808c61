use super::*;
use proptest::prelude::*;

/// The same without tables: every id that came, in order, with its end.
#[derive(Default)]
struct Model(VecDeque<(u128, u64)>);

impl Model {
    fn contains(&self, hash: u128, now: u64) -> bool {
        self.0.iter().any(|(known, until)| *known == hash && *until > now)
    }

    fn insert(&mut self, hash: u128, until: u64, now: u64, max: usize) {
        if until <= now {
            return;
        }
        while self.0.front().is_some_and(|(_, until)| *until <= now) {
            self.0.pop_front();
        }
        while self.0.len() >= max {
            self.0.pop_front();
        }
        self.0.push_back((hash, until));
    }

    fn forget(&mut self, hash: u128) {
        if let Some(entry) = self.0.iter_mut().rev().find(|(known, _)| *known == hash) {
            entry.1 = 0;
        }
    }
}

/// Few ids, so that they meet; spread as hashes are, or all in one bucket.
fn id(number: u8, spread: bool) -> u128 {
    u128::from(number).wrapping_mul(if spread { 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835 } else { 1 << 64 })
}

proptest! {
    #[test]
    fn it_holds_what_a_list_would(
        max in 1_u64..40,
        spread: bool,
        steps in prop::collection::vec((any::<u8>(), 0_u64..8, prop::option::of(0_u64..60), 0_u8..20), 0..400),
    ) {
        let (mut window, mut model, mut now) = (Window::new(max), Model::default(), 1_000_000);
        for (number, pause, ttl, act) in steps {
            now += pause;
            let hash = id(number % 64, spread);
            prop_assert_eq!(window.contains(hash, now), model.contains(hash, now));
            if act == 0 {
                if model.contains(hash, now) {
                    window.forget(hash);
                    model.forget(hash);
                    prop_assert!(!window.contains(hash, now));
                }
            } else if !model.contains(hash, now) {
                let until = ttl.map_or(u64::MAX, |ttl| now + ttl);
                window.insert(hash, until, act > 10, now);
                model.insert(hash, until, now, max as usize);
            }
            prop_assert!(window.len() <= max);
            prop_assert_eq!(window.len(), model.0.len() as u64);
        }
    }
}

#[test]
fn a_hundred_thousand_ids_come_and_go_and_none_is_mistaken() {
    let hash = |n: u64| super::super::siphash::hash(&[7; 16], &n.to_le_bytes());
    let mut window = Window::new(50_000);
    for n in 0..100_000 {
        assert!(!window.contains(hash(n), 0));
        window.insert(hash(n), u64::MAX, n % 2 == 0, 0);
    }
    for n in 0..100_000 {
        assert_eq!(window.contains(hash(n), 0), n >= 50_000, "{n}");
    }
    let first = window.first();
    assert_eq!(window.lasting(0, u64::MAX).count(), 25_000);
    assert_eq!(window.lasting(first, first + 10).next(), Some((hash(50_000), u64::MAX)));
    let bytes = bytes(&window);
    assert!(bytes <= 50_000 * ID_BYTES, "{bytes} bytes");
}

#[test]
fn ids_that_were_many_leave_no_tables_behind() {
    let mut window = Window::new(10_000);
    for n in 0..10_000_u64 {
        window.insert(super::super::siphash::hash(&[7; 16], &n.to_le_bytes()), 100, true, 0);
    }
    window.forget_old(100);
    assert_eq!((window.len(), bytes(&window)), (0, 0));
}

fn bytes(window: &Window) -> usize {
    let buckets: usize = window.shards.iter().map(|shard| shard.buckets.capacity()).sum();
    window.chunks.len() * size_of::<Chunk>()
        + window.shards.len() * size_of::<Shard>()
        + buckets * size_of::<Bucket>()
}
