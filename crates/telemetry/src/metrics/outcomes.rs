//! What became of messages that did not simply go through: retries, dead letters, duplicates, purges.

use super::{Meter, Reading, text};
use leveret_broker::queue::arguments::QueueKind;
use leveret_broker::queue::{Counters, DeathReason};
use leveret_broker::stats::DeadLetterStrategy;
use opentelemetry_proto::tonic::common::v1::KeyValue;

/// Causes of death, in RabbitMQ's words.
const REASONS: [DeathReason; 4] =
    [DeathReason::Rejected, DeathReason::Expired, DeathReason::MaxLen, DeathReason::DeliveryLimit];

impl Meter {
    pub(super) fn outcomes(&self, reading: &mut Reading) {
        let counters = self.counters();
        let table = [
            ("leveret.messages.retried", "Messages that came back to wait for their next delivery."),
            (
                "leveret.messages.duplicates",
                "Publishings confirmed and dropped because they had come before.",
            ),
            ("leveret.messages.purged", "Messages that somebody emptied queues of."),
        ];
        for ((name, description), count) in table.into_iter().zip(counters) {
            reading.count(name, "{message}", description, super::one(count));
        }
        let deaths = self.broker.deaths();
        let mut died: Vec<(u64, Vec<KeyValue>)> = Vec::new();
        for reason in REASONS {
            for strategy in DeadLetterStrategy::ALL {
                let sum = QueueKind::ALL.into_iter().map(|kind| deaths.died(kind, strategy, reason)).sum();
                let attributes = vec![
                    text("leveret.death.reason", reason.as_str()),
                    text("leveret.dead_letter.strategy", strategy.as_str()),
                ];
                died.push((sum, attributes));
            }
        }
        let description = "Messages that died; with the strategy `disabled` they went nowhere.";
        reading.count("leveret.messages.dead", "{message}", description, died);
    }

    /// Retried, duplicate and purged messages. One of several queues may be deleted while they are added up: no sum is told that is less
    /// than the one before.
    fn counters(&self) -> [u64; 3] {
        // Before the queues, so that nothing is counted twice.
        let mut sum: Counters = self.broker.counters_of_gone_queues();
        for vhost in self.broker.vhosts() {
            let kept: Vec<_> = {
                let topology = vhost.topology();
                let queues = topology.queues().map(|(_, queue)| queue.clone());
                let gates =
                    topology.exchanges().filter_map(|exchange| topology.gate(&exchange.name).cloned());
                queues.chain(gates).collect()
            };
            kept.iter().for_each(|queue| sum += queue.figures().counters);
        }
        let mut told = self.told.lock();
        for (told, now) in told.iter_mut().zip([sum.retried, sum.duplicates, sum.purged]) {
            *told = now.max(*told);
        }
        *told
    }
}
