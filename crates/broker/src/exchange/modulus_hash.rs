//! `x-modulus-hash`: to one binding, whose place is the hash of the routing key modulo the number of bindings
//! (RabbitMQ, `rabbitmq_sharding`).
//!
//! Bindings stand in the order of their destinations' names, so that the answer depends on what is bound alone and is the same
//! after a restart. The hash is not Erlang's: a key does not go to the queue it went to in RabbitMQ, but always to the same one.

use super::consistent_hash::stable_hash;
use super::target::Target;

#[derive(Debug, Default)]
pub(crate) struct ModulusHashRouter {
    /// One entry for each binding, by the destination's name.
    bindings: Vec<(Box<str>, Target)>,
}

impl ModulusHashRouter {
    pub(crate) fn bind(&mut self, target: Target, name: &str) {
        let at = self.place(target, name).unwrap_or_else(|free| free);
        self.bindings.insert(at, (name.into(), target));
    }

    pub(crate) fn unbind(&mut self, target: Target, name: &str) {
        if let Ok(at) = self.place(target, name) {
            self.bindings.remove(at);
        }
    }

    /// A queue and an exchange may have the same name.
    fn place(&self, target: Target, name: &str) -> Result<usize, usize> {
        self.bindings.binary_search_by(|(other, place)| (&**other, *place).cmp(&(name, target)))
    }

    pub(crate) fn route(&self, routing_key: &[u8], matched: &mut impl FnMut(Target)) {
        if !self.bindings.is_empty() {
            matched(self.bindings[(stable_hash(routing_key) % self.bindings.len() as u64) as usize].1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn router(places: impl IntoIterator<Item = u32>) -> ModulusHashRouter {
        let mut router = ModulusHashRouter::default();
        places.into_iter().for_each(|place| router.bind(Target::queue(place), &format!("queue-{place}")));
        router
    }

    fn routes(router: &ModulusHashRouter) -> Vec<Target> {
        let mut found = Vec::new();
        (0..3_000)
            .for_each(|n: u32| router.route(n.to_string().as_bytes(), &mut |target| found.push(target)));
        found
    }

    #[test]
    fn the_same_key_goes_the_same_way_whatever_was_bound_first() {
        let all = routes(&router([1, 2, 3]));
        assert_eq!(all, routes(&router([3, 1, 2])));
        for place in 1..=3 {
            let share = all.iter().filter(|target| **target == Target::queue(place)).count();
            assert!((850..1_150).contains(&share), "{place}: {share}");
        }
        let mut fewer = router([1, 2, 3, 2]);
        fewer.unbind(Target::queue(3), "queue-3");
        fewer.unbind(Target::queue(2), "queue-2");
        assert_eq!(routes(&fewer), routes(&router([2, 1])));
        assert!(routes(&router([])).is_empty());
    }
}
