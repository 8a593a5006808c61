//! What happens while it happens: one moving line on a terminal, one line a second elsewhere, always on stderr.

use super::clock::now_ns;
use super::counters::Counts;
use super::plan::Plan;
use super::words::count;
use indicatif::{ProgressBar, ProgressStyle};
use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _, stderr};

/// Shows counts as rates since the last time it showed any.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    started_ns: u64,
    shown_ns: u64,
    shown: Counts,
    every_ns: u64,
    columns: Columns,
}

/// Which counts mean anything in this run.
#[derive(Clone, Copy)]
struct Columns {
    published: bool,
    confirmed: bool,
    consumed: bool,
}

impl Progress {
    /// Nothing shown yet.
    pub(crate) fn new(plan: &Plan) -> Progress {
        let bar = stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{spinner} {elapsed} {msg}");
            ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
        });
        let every_ns = if bar.is_some() { 200_000_000 } else { 1_000_000_000 };
        let columns = Columns {
            published: plan.options.publishers > 0,
            confirmed: plan.options.confirm > 0,
            consumed: plan.options.consumers > 0,
        };
        let now = now_ns();
        Progress { bar, started_ns: now, shown_ns: now, shown: Counts::default(), every_ns, columns }
    }

    /// Shows the rates when it is time to.
    pub(crate) fn show(&mut self, counts: Counts) {
        let now = now_ns();
        if now - self.shown_ns < self.every_ns {
            return;
        }
        let seconds = (now - self.shown_ns) as f64 / 1e9;
        let line = rates(self.columns, counts.since(self.shown), seconds);
        (self.shown_ns, self.shown) = (now, counts);
        match &self.bar {
            Some(bar) => {
                bar.set_message(line);
                bar.tick();
            }
            None => {
                let _ = writeln!(stderr(), "{:>5.0} s  {line}", (now - self.started_ns) as f64 / 1e9);
            }
        }
    }

    /// Takes the moving line away.
    pub(crate) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn rates(columns: Columns, counts: Counts, seconds: f64) -> String {
    let mut line = String::new();
    for (is_shown, name, number) in [
        (columns.published, "published", counts.published),
        (columns.confirmed, "confirmed", counts.confirmed),
        (columns.consumed, "consumed", counts.consumed),
    ] {
        if is_shown {
            let _ = write!(line, "{name} {}/s   ", count(number as f64 / seconds));
        }
    }
    line.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_columns_that_mean_something() {
        let counts = Counts { published: 3_000_000, confirmed: 0, nacked: 0, consumed: 2_999_999 };
        let columns = Columns { published: true, confirmed: false, consumed: true };
        assert_eq!(rates(columns, counts, 2.0), "published 1,500,000/s   consumed 1,500,000/s");
    }
}
