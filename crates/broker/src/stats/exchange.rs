//! What exchanges are given. Many connections publish to one, so each adds up what a batch brings and hands it in at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Exchanges a connection remembers to have published to in this batch, or an earlier one.
const RUNS_MAX: usize = 16;

/// What a client published to an exchange, under RabbitMQ's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ExchangeCounts {
    /// Publishings.
    pub publish_in: u64,
    /// Places in queues they were given, by whatever way; none for what nobody takes.
    pub publish_out: u64,
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct ExchangeFigures {
    publish_in: AtomicU64,
    publish_out: AtomicU64,
}

impl ExchangeFigures {
    pub(crate) fn add(&self, publish_in: u64, publish_out: u64) {
        self.publish_in.fetch_add(publish_in, Ordering::Relaxed);
        self.publish_out.fetch_add(publish_out, Ordering::Relaxed);
    }

    pub(crate) fn counts(&self) -> ExchangeCounts {
        ExchangeCounts {
            publish_in: self.publish_in.load(Ordering::Relaxed),
            publish_out: self.publish_out.load(Ordering::Relaxed),
        }
    }
}

#[derive(Debug)]
struct Run {
    exchange: Arc<ExchangeFigures>,
    publish_in: u64,
    publish_out: u64,
}

impl Run {
    #[inline]
    fn count(&mut self, queues: usize) {
        self.publish_in += 1;
        self.publish_out += queues as u64;
    }
}

/// What a connection published since it last handed in.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    /// To the exchange that was published to last; most publish to one.
    current: Option<Run>,
    others: Vec<Run>,
}

impl Runs {
    #[inline]
    pub(crate) fn count(&mut self, exchange: &Arc<ExchangeFigures>, queues: usize) {
        match &mut self.current {
            Some(run) if Arc::ptr_eq(&run.exchange, exchange) => run.count(queues),
            _ => self.turn_to(exchange).count(queues),
        }
    }

    #[inline(never)]
    fn turn_to(&mut self, exchange: &Arc<ExchangeFigures>) -> &mut Run {
        let known = self.others.iter().position(|run| Arc::ptr_eq(&run.exchange, exchange));
        let next = match known {
            Some(at) => self.others.swap_remove(at),
            None => Run { exchange: exchange.clone(), publish_in: 0, publish_out: 0 },
        };
        if self.others.len() + 1 >= RUNS_MAX {
            self.hand_in();
            self.others.clear();
        }
        self.others.extend(self.current.take());
        self.current.insert(next)
    }

    /// Hands in; once per batch.
    #[inline]
    pub(crate) fn hand_in(&mut self) {
        for run in self.current.iter_mut().chain(&mut self.others).filter(|run| run.publish_in > 0) {
            run.exchange.add(std::mem::take(&mut run.publish_in), std::mem::take(&mut run.publish_out));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_arrives_once_with_each_exchange() {
        let exchanges: Vec<Arc<ExchangeFigures>> = (0..RUNS_MAX + 3).map(|_| Arc::default()).collect();
        let mut runs = Runs::default();
        for round in 1..=2 {
            for exchange in &exchanges {
                runs.count(exchange, 0);
                runs.count(exchange, 2);
            }
            runs.hand_in();
            runs.hand_in();
            for exchange in &exchanges {
                let expected = ExchangeCounts { publish_in: 2 * round, publish_out: 2 * round };
                assert_eq!(exchange.counts(), expected);
            }
        }
    }
}
