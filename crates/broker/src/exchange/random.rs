//! `x-random` and `x-local-random`: one binding by chance. On one machine every queue is local, so both do the same.
//!
//! Each binding has the same share, so a destination that is bound twice gets twice as much (RabbitMQ, `rabbitmq_random_exchange`).

use super::target::Target;

#[derive(Debug, Default)]
pub(crate) struct RandomRouter {
    /// One entry for each binding.
    bindings: Vec<Target>,
}

impl RandomRouter {
    pub(crate) fn bind(&mut self, target: Target) {
        self.bindings.push(target);
    }

    pub(crate) fn unbind(&mut self, target: Target) {
        if let Some(place) = self.bindings.iter().position(|found| *found == target) {
            self.bindings.swap_remove(place);
        }
    }

    pub(crate) fn route(&self, matched: &mut impl FnMut(Target)) {
        if !self.bindings.is_empty() {
            matched(self.bindings[rand::random_range(0..self.bindings.len())]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_binding_has_its_share() {
        let mut router = RandomRouter::default();
        let (one, two) = (Target::queue(1), Target::queue(2));
        let count = |router: &RandomRouter| {
            let mut counts = [0; 2];
            for _ in 0..3_000 {
                let mut found = Vec::new();
                router.route(&mut |target| found.push(target));
                assert!(found.len() <= 1);
                found.iter().for_each(|target| counts[usize::from(*target == two)] += 1);
            }
            counts
        };
        assert_eq!(count(&router), [0, 0]);
        [one, two, one].into_iter().for_each(|target| router.bind(target));
        // Two thirds of 3,000 with a deviation of 26: eight of those are beyond chance.
        let [first, second] = count(&router);
        assert!((1_800..2_200).contains(&first) && first + second == 3_000, "{first} {second}");
        router.unbind(one);
        router.unbind(one);
        router.unbind(one);
        assert_eq!(count(&router), [0, 3_000]);
    }
}
