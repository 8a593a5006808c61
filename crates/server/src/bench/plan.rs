//! Who publishes where and who consumes what: the arithmetic of a run, without a socket.

use super::options::{BenchOptions, ExchangeType};
use leveret_protocol::{FieldTable, FieldValue};

/// Names and routes made from the options.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The options, with defaults that depend on others filled in.
    pub(crate) options: BenchOptions,
    /// Name of the exchange; empty for the default exchange.
    pub(crate) exchange: String,
    /// First part of every queue's name.
    pub(crate) prefix: String,
    /// Bindings of the exchange.
    pub(crate) bindings: usize,
}

impl Plan {
    /// Checks what the options say together.
    ///
    /// # Errors
    /// A sentence naming the option that cannot be followed.
    pub(crate) fn new(options: BenchOptions) -> Result<Plan, String> {
        let need = |holds: bool, problem: &str| if holds { Ok(()) } else { Err(problem.to_owned()) };
        need(
            options.publishers + options.consumers > 0,
            "--publishers 0 --consumers 0 leaves nothing to measure",
        )?;
        need(options.queues > 0, "--queues has to be at least 1")?;
        need(
            options.publishers > 0 || (options.count > 0 && options.queue_prefix.is_some()),
            "--publishers 0 drains queues filled before: it needs --count and --queue-prefix",
        )?;
        need(
            options.prefetch == 0 || options.ack_every <= u64::from(options.prefetch),
            "--ack-every above --prefetch would wait for ever: the broker sends no more than --prefetch unacknowledged",
        )?;
        need(
            options.prefetch == 0 || options.ack_every > 0,
            "--prefetch needs --ack-every: it bounds what is unacknowledged",
        )?;
        need(options.slow == 1 || !options.work.0.is_zero(), "--slow needs --work: it is how much longer")?;
        let connections = options.consumer_connections.unwrap_or(options.consumers);
        need(
            options.work.0.is_zero() || connections >= options.consumers.max(options.queues),
            "--work needs a connection for each consumer: leave --consumer-connections out",
        )?;
        need(
            options.rate >= 0.0 && options.rate.is_finite(),
            "--rate is messages per second, 0 for as many as possible",
        )?;
        let has_keys =
            matches!(options.exchange, ExchangeType::Direct | ExchangeType::Topic | ExchangeType::Headers);
        need(options.bindings.is_none() || has_keys, "--bindings needs --exchange direct, topic or headers")?;
        let bindings = options.bindings.unwrap_or(options.queues);
        need((1..=1_000_000).contains(&bindings), "--bindings has to be from 1 to 1000000")?;
        let prefix =
            options.queue_prefix.clone().unwrap_or_else(|| format!("leveret-bench-{}", std::process::id()));
        need(prefix.len() <= 200, "--queue-prefix has to be at most 200 bytes")?;
        let exchange = if options.exchange == ExchangeType::Default { String::new() } else { prefix.clone() };
        Ok(Plan { options, exchange, prefix, bindings })
    }

    /// Name of a queue.
    pub(crate) fn queue(&self, index: usize) -> String {
        format!("{}-{:05}", self.prefix, index % self.options.queues)
    }

    /// Routing keys publisher `publisher` takes in turn; all have the same length.
    pub(crate) fn routing_keys(&self, publisher: usize) -> Vec<String> {
        let (publishers, queues) = (self.options.publishers, self.options.queues);
        match self.options.exchange {
            ExchangeType::Default if publishers >= queues => vec![self.queue(publisher)],
            ExchangeType::Default => {
                (publisher..queues).step_by(publishers).map(|index| self.queue(index)).collect()
            }
            ExchangeType::Fanout => vec!["key".into()],
            ExchangeType::Direct | ExchangeType::Headers => {
                (0..self.bindings).map(|index| self.key(index, "key.")).collect()
            }
            ExchangeType::Topic => (0..self.bindings).map(|index| self.key(index, "key.") + ".x").collect(),
        }
    }

    /// Bindings as (queue, binding key). Every message of a direct, topic or headers exchange matches exactly one; of the
    /// topic patterns a third each end in `*`, end in `#`, and begin with `*`.
    pub(crate) fn binding_keys(&self) -> Vec<(String, String)> {
        let of_queues =
            |key: &dyn Fn(usize) -> String, count| (0..count).map(|i| (self.queue(i), key(i))).collect();
        match self.options.exchange {
            ExchangeType::Default => Vec::new(),
            ExchangeType::Fanout => of_queues(&|_| "key".into(), self.options.queues),
            ExchangeType::Direct | ExchangeType::Headers => {
                of_queues(&|index| self.key(index, "key."), self.bindings)
            }
            ExchangeType::Topic => of_queues(
                &|index| match index % 3 {
                    0 => self.key(index, "key.") + ".*",
                    1 => self.key(index, "key.") + ".#",
                    _ => self.key(index, "*.") + ".x",
                },
                self.bindings,
            ),
        }
    }

    /// Headers that go with a key: those of a message, and those that a binding asks for.
    pub(crate) fn headers(&self, key: &str) -> Option<FieldTable> {
        let number =
            key.bytes().fold(0_u32, |sum, digit| sum.wrapping_mul(10).wrapping_add(u32::from(digit)));
        (self.options.exchange == ExchangeType::Headers).then(|| {
            FieldTable::from([
                ("device", FieldValue::from(key)),
                ("kind", FieldValue::I32((number % 7) as i32)),
            ])
        })
    }

    fn key(&self, index: usize, before: &str) -> String {
        let width = self.bindings.to_string().len();
        format!("{before}{index:0width$}")
    }

    /// Queues that consumer connection `connection` consumes from, one channel each. Every queue has a consumer
    /// when there are any consumers at all.
    pub(crate) fn subscriptions(&self, connection: usize) -> Vec<String> {
        let all = self.options.consumers.max(self.options.queues);
        (connection..all).step_by(self.consumer_connections()).map(|index| self.queue(index)).collect()
    }

    /// Connections of consumers.
    pub(crate) fn consumer_connections(&self) -> usize {
        self.options
            .consumer_connections
            .unwrap_or(self.options.consumers)
            .clamp(usize::from(self.options.consumers > 0), self.options.consumers)
    }

    /// Deliveries that one publishing leads to.
    pub(crate) fn copies(&self) -> u64 {
        if self.options.exchange == ExchangeType::Fanout { self.options.queues as u64 } else { 1 }
    }

    /// Messages publisher `publisher` sends; none means until stopped.
    pub(crate) fn quota(&self, publisher: usize) -> Option<u64> {
        let (count, publishers) = (self.options.count, self.options.publishers as u64);
        (count > 0).then(|| count / publishers + u64::from((publisher as u64) < count % publishers))
    }

    /// Whether messages carry the time they were due: they are long enough, and published by this very run.
    pub(crate) fn is_stamped(&self) -> bool {
        self.options.size.0 >= 8 && self.options.publishers > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::options::parse;

    fn plan(arguments: &str) -> Result<Plan, String> {
        Plan::new(parse(arguments.split_whitespace())?)
    }

    #[test]
    fn quotas_add_up() {
        let plan = plan("--publishers 3 --count 10").unwrap();
        assert_eq!((0..3).map(|p| plan.quota(p).unwrap()).collect::<Vec<_>>(), [4, 3, 3]);
    }

    #[test]
    fn every_queue_is_published_to_and_consumed_from() {
        for (publishers, consumers, connections, queues) in
            [(1, 1, 1, 1), (2, 3, 3, 7), (7, 5, 2, 3), (3, 10, 1, 10)]
        {
            let plan = plan(&format!(
                "--publishers {publishers} --consumers {consumers} --consumer-connections {connections} --queues {queues}"
            ))
            .unwrap();
            let mut published: Vec<_> = (0..publishers).flat_map(|p| plan.routing_keys(p)).collect();
            let mut consumed: Vec<_> =
                (0..plan.consumer_connections()).flat_map(|c| plan.subscriptions(c)).collect();
            for found in [&mut published, &mut consumed] {
                found.sort();
                found.dedup();
                assert_eq!(found.len(), queues);
            }
        }
    }

    #[test]
    fn keys_have_one_length() {
        for exchange in ["direct", "topic", "headers"] {
            let plan = plan(&format!("--exchange {exchange} --bindings 1000 --queues 10")).unwrap();
            let keys = plan.routing_keys(0);
            assert_eq!(keys.len(), 1000);
            assert!(keys.iter().all(|key| key.len() == keys[0].len()));
            assert_eq!(plan.binding_keys().len(), 1000);
        }
        assert_eq!(plan("--exchange fanout --queues 4").unwrap().binding_keys().len(), 4);
        assert_eq!(plan("--exchange fanout --queues 4").unwrap().copies(), 4);
    }

    #[test]
    fn contradictions_are_refused() {
        for (arguments, problem) in [
            ("--publishers 0 --consumers 0", "leaves nothing to measure"),
            ("--publishers 0", "needs --count and --queue-prefix"),
            ("--prefetch 10 --ack-every 11", "would wait for ever"),
            ("--prefetch 10", "--prefetch needs --ack-every"),
            ("--bindings 3", "--bindings needs --exchange"),
            ("--exchange topic --bindings 0", "--bindings has to be"),
            ("--queues 0", "--queues has to be"),
            ("--rate -1", "--rate is messages per second"),
        ] {
            let found = plan(arguments).unwrap_err();
            assert!(found.contains(problem), "{arguments}: {found}");
        }
    }
}
