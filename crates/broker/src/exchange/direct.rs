//! `direct`: to every binding whose key equals the routing key.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::target::{Target, TargetSet};

#[derive(Debug, Default)]
pub(crate) struct DirectRouter {
    by_key: HashMap<Box<[u8]>, TargetSet, RandomState>,
}

impl DirectRouter {
    pub(crate) fn bind(&mut self, key: &[u8], target: Target) {
        if let Some(targets) = self.by_key.get_mut(key) {
            targets.insert(target);
        } else {
            self.by_key.entry(key.into()).or_default().insert(target);
        }
    }

    pub(crate) fn unbind(&mut self, key: &[u8], target: Target) {
        if let Some(targets) = self.by_key.get_mut(key) {
            targets.remove(target);
            if targets.is_empty() {
                self.by_key.remove(key);
            }
        }
    }

    pub(crate) fn route(&self, key: &[u8], matched: &mut impl FnMut(Target)) {
        if let Some(targets) = self.by_key.get(key) {
            targets.as_slice().iter().copied().for_each(matched);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_compared_as_bytes() {
        let mut router = DirectRouter::default();
        let queue = Target::queue(1);
        for key in [&b"key"[..], b"", b"\xff\x00", b"key", b"#"] {
            router.bind(key, queue);
        }
        let count = |router: &DirectRouter, key: &[u8]| {
            let mut count = 0;
            router.route(key, &mut |_| count += 1);
            count
        };
        for (key, expected) in [(&b"key"[..], 1), (b"Key", 0), (b"", 1), (b"\xff\x00", 1), (b"any", 0)] {
            assert_eq!(count(&router, key), expected, "{key:?}");
        }
        // It was bound twice.
        router.unbind(b"key", queue);
        assert_eq!(count(&router, b"key"), 1);
        router.unbind(b"key", queue);
        assert_eq!(count(&router, b"key"), 0);
    }
}
