//! The result: a table for people, one JSON object for programs.

use super::latency::Percentiles;
use super::plan::Plan;
use super::run::Sample;
use super::table::scenario;
use super::words::count;
use serde::Serialize;

/// What was measured. Rates are per second, latencies in microseconds; fields that mean nothing in a run are null.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// What was done, in words.
    pub(crate) scenario: String,
    /// Time measured.
    pub(crate) seconds: f64,
    /// Bytes of one body.
    pub(crate) size: u64,
    /// Messages in the time measured, and per second.
    pub(crate) published: Option<Throughput>,
    /// Publishings confirmed.
    pub(crate) confirmed: Option<Throughput>,
    /// Deliveries received.
    pub(crate) consumed: Option<Throughput>,
    /// Publishings refused with a nack.
    pub(crate) nacked: u64,
    /// From due to delivered.
    pub(crate) end_to_end_us: Option<Percentiles>,
    /// From due to confirmed.
    pub(crate) confirm_us: Option<Percentiles>,
    /// Deliveries of the consumer connection that got the fewest, and of the one that got the most, when each works alone (`--work`).
    pub(crate) fewest_and_most: Option<[u64; 2]>,
    /// What it cost the broker.
    pub(crate) broker: Option<Cost>,
    /// CPU seconds of the load generator.
    pub(crate) generator_cpu_seconds: f64,
    /// What to know when reading the numbers.
    pub(crate) remarks: Vec<String>,
}

/// How many, and how fast.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Throughput {
    /// In the time measured.
    pub(crate) messages: u64,
    /// Per second.
    pub(crate) rate: f64,
}

/// CPU and memory of the broker's process.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Cost {
    /// The process.
    pub(crate) pid: u32,
    /// CPU seconds, user and system, in the time measured.
    pub(crate) cpu_seconds: f64,
    /// CPU seconds for a million messages consumed (published, without consumers).
    pub(crate) cpu_seconds_per_million: Option<f64>,
    /// Messages in a CPU second.
    pub(crate) messages_per_cpu_second: Option<f64>,
    /// Memory held at the end.
    pub(crate) rss_bytes: u64,
}

impl Report {
    /// Adds up what happened between the two samples.
    pub(crate) fn new(
        plan: &Plan,
        pid: Option<u32>,
        before: Sample,
        after: Sample,
        confirm_us: Option<Percentiles>,
        end_to_end_us: Option<Percentiles>,
    ) -> Report {
        let options = &plan.options;
        let seconds = (after.at_ns - before.at_ns) as f64 / 1e9;
        let counts = after.counts.since(before.counts);
        let throughput = |is_meant: bool, messages: u64| {
            is_meant.then(|| Throughput {
                messages,
                rate: if seconds > 0.0 { messages as f64 / seconds } else { 0.0 },
            })
        };
        let through = if options.consumers > 0 { counts.consumed } else { counts.published } as f64;
        let broker = pid.zip(before.broker).zip(after.broker).map(|((pid, before), after)| {
            let cpu_seconds = after.cpu_seconds - before.cpu_seconds;
            let is_known = through > 0.0 && cpu_seconds > 0.0;
            Cost {
                pid,
                cpu_seconds,
                cpu_seconds_per_million: is_known.then(|| cpu_seconds / through * 1e6),
                messages_per_cpu_second: is_known.then(|| through / cpu_seconds),
                rss_bytes: after.rss_bytes,
            }
        });
        Report {
            scenario: scenario(plan),
            seconds,
            size: options.size.0,
            published: throughput(options.publishers > 0, counts.published),
            confirmed: throughput(options.publishers > 0 && options.confirm > 0, counts.confirmed),
            consumed: throughput(options.consumers > 0, counts.consumed),
            nacked: counts.nacked,
            end_to_end_us,
            confirm_us,
            fewest_and_most: None,
            broker,
            generator_cpu_seconds: after.own_cpu_seconds - before.own_cpu_seconds,
            remarks: Vec::new(),
        }
    }

    /// Adds how evenly messages were spread.
    pub(crate) fn with_shares(mut self, plan: &Plan, by_consumer: &[u64]) -> Report {
        let both = by_consumer.iter().min().zip(by_consumer.iter().max());
        self.fewest_and_most =
            both.filter(|_| !plan.options.work.0.is_zero()).map(|(fewest, most)| [*fewest, *most]);
        self
    }

    /// Adds what a reader of the numbers has to know.
    pub(crate) fn with_remarks(
        mut self,
        plan: &Plan,
        blocked: u64,
        left_behind: u64,
        interrupted: bool,
    ) -> Report {
        let options = &plan.options;
        let published = self.published.map_or(0.0, |published| published.rate);
        let mut remark = |holds: bool, text: String| {
            if holds {
                self.remarks.push(text);
            }
        };
        remark(interrupted, "interrupted: measured up to there".into());
        remark(
            options.rate > 0.0 && published < options.rate * 0.99,
            format!(
                "asked for {}/s, reached {}/s: more than this broker and machine do",
                count(options.rate),
                count(published)
            ),
        );
        remark(
            options.rate == 0.0 && options.in_flight == 0 && self.end_to_end_us.is_some(),
            "as many messages as possible: latencies show how long the queue got; --rate shows the broker's"
                .into(),
        );
        remark(
            !plan.is_stamped() && options.publishers > 0 && options.consumers > 0,
            "no latencies end to end: a message needs 8 bytes to carry its time".into(),
        );
        remark(
            self.nacked > 0,
            format!("{} messages were refused with basic.nack", count(self.nacked as f64)),
        );
        remark(blocked > 0, format!("the broker blocked publishers {blocked} times (connection.blocked)"));
        remark(
            left_behind > 0 && options.count == 0,
            format!("{} deliveries were still to come when the run ended", count(left_behind as f64)),
        );
        self
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::bench::counters::Counts;
    use crate::bench::options::parse;
    use crate::bench::process::Usage;

    pub(crate) fn report(arguments: &str) -> Report {
        let plan = Plan::new(parse(arguments.split_whitespace()).unwrap()).unwrap();
        let sample = |at_ns, published, consumed, cpu_seconds| Sample {
            at_ns,
            counts: Counts { published, confirmed: published, nacked: 0, consumed },
            broker: Some(Usage { cpu_seconds, rss_bytes: 64 << 20 }),
            own_cpu_seconds: cpu_seconds / 2.0,
        };
        let (before, after) =
            (sample(1_000_000_000, 100, 50, 1.0), sample(3_000_000_000, 4_000_100, 4_000_050, 2.0));
        let latency =
            Percentiles { p50: 120.0, p90: 800.0, p99: 4_200.0, p999: 20_000.0, max: 1_500_000.0, count: 9 };
        Report::new(&plan, Some(7), before, after, None, Some(latency)).with_remarks(&plan, 0, 3, false)
    }

    #[test]
    fn rates_and_costs() {
        let report = report("--size 1000");
        assert_eq!(report.published, Some(Throughput { messages: 4_000_000, rate: 2_000_000.0 }));
        assert_eq!(report.confirmed, None);
        let cost = report.broker.unwrap();
        assert_eq!(
            (cost.cpu_seconds_per_million, cost.messages_per_cpu_second),
            (Some(0.25), Some(4_000_000.0))
        );
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["consumed"]["rate"], 2_000_000.0);
        assert_eq!(json["end_to_end_us"]["p999"], 20_000.0);
        assert!(json["confirmed"].is_null());
    }
}
