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

/// What a connection published since it last handed in.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    runs: Vec<Run>,
    last: usize,
    is_owed: bool,
}

impl Runs {
    #[inline]
    pub(crate) fn count(&mut self, exchange: &Arc<ExchangeFigures>, queues: usize) {
        let is_last = self.runs.get(self.last).is_some_and(|run| Arc::ptr_eq(&run.exchange, exchange));
        if !is_last {
            self.last = self.find(exchange);
        }
        let run = &mut self.runs[self.last];
        run.publish_in += 1;
        run.publish_out += queues as u64;
        self.is_owed = true;
    }

    fn find(&mut self, exchange: &Arc<ExchangeFigures>) -> usize {
        if let Some(at) = self.runs.iter().position(|run| Arc::ptr_eq(&run.exchange, exchange)) {
            return at;
        }
        if self.runs.len() >= RUNS_MAX {
            self.hand_in();
            self.runs.clear();
        }
        self.runs.push(Run { exchange: exchange.clone(), publish_in: 0, publish_out: 0 });
        self.runs.len() - 1
    }

    /// Hands in; once per batch.
    #[inline]
    pub(crate) fn hand_in(&mut self) {
        if !std::mem::take(&mut self.is_owed) {
            return;
        }
        for run in self.runs.iter_mut().filter(|run| run.publish_in > 0) {
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
