//! Two brokers side by side: the same run against both, one after the other.

use super::latency::Percentiles;
use super::report::Report;
use super::words::{count, micros};
use std::fmt::Write as _;

/// A measure that both runs have: its name, how it reads, both values, and whether more is better.
pub(crate) struct Row {
    /// What it is.
    pub(crate) name: &'static str,
    /// The value at the first broker, and at the second.
    pub(crate) values: [f64; 2],
    /// How a value reads.
    pub(crate) shown: fn(f64) -> String,
    /// Rates are good, latencies and costs are bad.
    pub(crate) is_more_better: bool,
}

/// What both runs have.
pub(crate) fn rows(first: &Report, second: &Report) -> Vec<Row> {
    type Measure = (&'static str, fn(&Report) -> Option<f64>, fn(f64) -> String, bool);
    let per_second: fn(f64) -> String = |value| format!("{}/s", count(value));
    let seconds: fn(f64) -> String = |value| format!("{value:.3} s");
    let mebibytes: fn(f64) -> String = |value| format!("{:.0} MiB", value / f64::from(1 << 20));
    let measures: [Measure; 10] = [
        ("published", |r| r.published.map(|t| t.rate), per_second, true),
        ("confirmed", |r| r.confirmed.map(|t| t.rate), per_second, true),
        ("consumed", |r| r.consumed.map(|t| t.rate), per_second, true),
        ("end to end p50", |r| percentile(r.end_to_end_us, |l| l.p50), micros, false),
        ("end to end p99", |r| percentile(r.end_to_end_us, |l| l.p99), micros, false),
        ("end to end max", |r| percentile(r.end_to_end_us, |l| l.max), micros, false),
        ("confirm p50", |r| percentile(r.confirm_us, |l| l.p50), micros, false),
        ("confirm p99", |r| percentile(r.confirm_us, |l| l.p99), micros, false),
        ("CPU per million", |r| r.broker.and_then(|cost| cost.cpu_seconds_per_million), seconds, false),
        ("memory", |r| r.broker.map(|cost| cost.rss_bytes as f64), mebibytes, false),
    ];
    let both = |(name, value, shown, is_more_better): Measure| {
        Some(Row { name, values: [value(first)?, value(second)?], shown, is_more_better })
    };
    measures.into_iter().filter_map(both).collect()
}

fn percentile(latency: Option<Percentiles>, which: fn(&Percentiles) -> f64) -> Option<f64> {
    latency.as_ref().map(which)
}

/// Both in one table.
pub(crate) fn table(names: [&str; 2], first: &Report, second: &Report) -> String {
    let mut text =
        format!("{}\nmeasured for {:.1} s and {:.1} s\n\n", first.scenario, first.seconds, second.seconds);
    let wide = names.map(|name| name.chars().count().max(16) + 2);
    let [one, two] = names;
    let _ = writeln!(text, "{:<18}{one:>w$}{two:>v$}    first to second", "", w = wide[0], v = wide[1]);
    for Row { name, values: [one, two], shown, .. } in rows(first, second) {
        let ratio = if two > 0.0 { format!("{:.2} x", one / two) } else { String::new() };
        let _ = writeln!(
            text,
            "{name:<18}{:>w$}{:>v$}    {ratio}",
            shown(one),
            shown(two),
            w = wide[0],
            v = wide[1]
        );
    }
    for (name, report) in names.into_iter().zip([first, second]) {
        for remark in &report.remarks {
            let _ = writeln!(text, "note        {name}: {remark}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::report::tests::report;

    #[test]
    fn both_stand_side_by_side() {
        let text = table(["ours", "theirs"], &report("--size 1000"), &report("--size 1000"));
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert!(lines.contains(&vec!["ours", "theirs", "first", "to", "second"]), "{text}");
        assert!(lines.contains(&vec!["consumed", "2,000,000/s", "2,000,000/s", "1.00", "x"]), "{text}");
    }
}
