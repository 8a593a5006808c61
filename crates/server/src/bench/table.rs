//! The result of a run as a table for people.

use super::latency::Percentiles;
use super::options::ExchangeType;
use super::plan::Plan;
use super::report::{Report, Throughput};
use super::words::{count, micros, some};
use std::fmt::Write;

impl Report {
    /// The table.
    pub(crate) fn table(&self) -> String {
        let mut text = format!("{}\nmeasured for {:.1} s\n\n", self.scenario, self.seconds);
        let _ = writeln!(text, "{:<12}{:>16}{:>18}{:>14}", "", "messages", "per second", "MB/s");
        for (name, throughput) in
            [("published", self.published), ("confirmed", self.confirmed), ("consumed", self.consumed)]
        {
            if let Some(Throughput { messages, rate }) = throughput {
                let megabytes = rate * self.size as f64 / 1e6;
                let _ = writeln!(
                    text,
                    "{name:<12}{:>16}{:>18}{megabytes:>14.1}",
                    count(messages as f64),
                    count(rate)
                );
            }
        }
        if self.end_to_end_us.is_some() || self.confirm_us.is_some() {
            let _ = writeln!(
                text,
                "\n{:<12}{:>12}{:>12}{:>12}{:>12}{:>12}",
                "latency", "p50", "p90", "p99", "p99.9", "max"
            );
        }
        for (name, latency) in [("end to end", self.end_to_end_us), ("confirm", self.confirm_us)] {
            if let Some(Percentiles { p50, p90, p99, p999, max, .. }) = latency {
                let [p50, p90, p99, p999, max] = [p50, p90, p99, p999, max].map(micros);
                let _ = writeln!(text, "{name:<12}{p50:>12}{p90:>12}{p99:>12}{p999:>12}{max:>12}");
            }
        }
        text.push('\n');
        if let Some([fewest, most]) = self.fewest_and_most {
            let [fewest, most] = [fewest, most].map(|messages| count(messages as f64));
            let _ = writeln!(text, "fairness    from {fewest} to {most} messages for each consumer");
        }
        if let Some(cost) = self.broker {
            let _ = write!(text, "broker      process {}: {:.2} s CPU", cost.pid, cost.cpu_seconds);
            if let (Some(seconds), Some(messages)) =
                (cost.cpu_seconds_per_million, cost.messages_per_cpu_second)
            {
                let _ = write!(
                    text,
                    ", {seconds:.3} s per million messages ({} per CPU second)",
                    count(messages)
                );
            }
            let _ = writeln!(text, ", {:.0} MiB", cost.rss_bytes as f64 / f64::from(1 << 20));
        }
        let _ = writeln!(text, "generator   {:.2} s CPU", self.generator_cpu_seconds);
        for remark in &self.remarks {
            let _ = writeln!(text, "note        {remark}");
        }
        text
    }
}

/// What a run does, in words.
pub(crate) fn scenario(plan: &Plan) -> String {
    let options = &plan.options;
    let exchange = match options.exchange {
        ExchangeType::Default => String::new(),
        kind => format!(
            " behind a {} exchange with {}",
            format!("{kind:?}").to_lowercase(),
            some(plan.binding_keys().len(), "binding")
        ),
    };
    let acknowledgement = match (options.consumers, options.ack_every, options.prefetch) {
        (0, ..) => String::new(),
        (_, 0, _) => ", automatic acknowledgement".into(),
        (_, every, 0) => format!(", acknowledged every {every}"),
        (_, every, prefetch) => format!(", acknowledged every {every}, prefetch {prefetch}"),
    };
    let work = match options.work.0 {
        work if work.is_zero() => String::new(),
        work if options.slow == 1 => format!(", {work:?} of work each"),
        work => format!(", {work:?} of work each, one {} times as slow", options.slow),
    };
    let confirms = match options.confirm {
        0 => String::new(),
        window => format!(", confirms with {} open", count(window as f64)),
    };
    let rate =
        if options.rate > 0.0 { format!(", {} per second", count(options.rate)) } else { String::new() };
    format!(
        "{} to {} to {}{exchange}; {} {} bytes{rate}{confirms}{acknowledgement}{work}",
        some(options.publishers, "publisher"),
        some(options.queues, "queue"),
        some(options.consumers, "consumer"),
        if options.persistent { "persistent messages of" } else { "transient messages of" },
        count(options.size.0 as f64),
    )
}

#[cfg(test)]
mod tests {
    use crate::bench::report::tests::report;

    #[test]
    fn a_run_with_everything() {
        let arguments =
            "--size 1000 --rate 9000000 --prefetch 100 --ack-every 10 --exchange topic --bindings 1000";
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bench/table.txt");
        crate::expect_file(path, &report(arguments).table());
    }
}
