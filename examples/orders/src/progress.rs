//! How far a run is: bars on a terminal, a line each second elsewhere.

use std::io::{IsTerminal as _, Write as _, stderr};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use parking_lot::Mutex;

use crate::books::Counts;
use crate::run::Folder;
use crate::settings::{Chaos, Settings};

/// Between two lines where there are no bars.
const EVERY: Duration = Duration::from_secs(1);
/// What the bars are of, in the order in which an order passes them.
const BARS: [&str; 5] = ["taken", "reserved", "paid", "shipped", "refused"];

/// Shows it, or keeps silent.
pub(crate) struct Progress {
    how: How,
}

enum How {
    #[cfg(test)]
    Silent,
    Bars {
        all: MultiProgress,
        bars: Vec<ProgressBar>,
    },
    Lines(Mutex<Lines>),
}

struct Lines {
    began: Instant,
    next: Instant,
    last: Counts,
}

impl Progress {
    /// On stderr.
    pub(crate) fn new(orders: i64) -> Self {
        if !stderr().is_terminal() {
            let now = Instant::now();
            return Self {
                how: How::Lines(Mutex::new(Lines { began: now, next: now + EVERY, last: Counts::default() })),
            };
        }
        let all = MultiProgress::new();
        let style = ProgressStyle::with_template("  {prefix:<9} {bar:40.cyan/blue} {pos:>6}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = |name: &'static str| {
            let bar = ProgressBar::new(orders.unsigned_abs()).with_style(style.clone()).with_prefix(name);
            all.add(bar)
        };
        let bars = BARS.map(bar).into();
        Self { how: How::Bars { all, bars } }
    }

    /// Without a word, for tests.
    #[cfg(test)]
    pub(crate) fn silent() -> Self {
        Self { how: How::Silent }
    }

    /// Says what is going to happen.
    pub(crate) fn begin(&self, settings: &Settings, chaos: &Chaos, folder: &Folder) {
        let kills = if chaos.chaos { format!(", {} kills", chaos.kills) } else { String::new() };
        let database = if settings.postgres.is_some() { "PostgreSQL" } else { "SQLite" };
        let broker = settings.broker_url().rsplit('@').next().unwrap_or_default().trim_end_matches('/');
        self.note(&format!(
            "create -> stock -> payment -> logistics: {} orders, seed {}{kills}; broker {broker}, {database}, files in {}",
            settings.orders,
            settings.seed,
            folder.path().display()
        ));
    }

    /// How far it is.
    pub(crate) fn show(&self, counts: Counts, orders: i64) {
        let Counts { created, reserved, paid, shipped, refused } = counts;
        match &self.how {
            #[cfg(test)]
            How::Silent => {}
            How::Bars { bars, .. } => {
                for (bar, count) in bars.iter().zip([created, reserved, paid, shipped, refused]) {
                    bar.set_position(count.unsigned_abs());
                }
            }
            How::Lines(lines) => {
                let mut lines = lines.lock();
                let is_last = counts.ended() == orders && lines.last.ended() < orders;
                if counts == lines.last || (Instant::now() < lines.next && !is_last) {
                    return;
                }
                (lines.next, lines.last) = (Instant::now() + EVERY, counts);
                let seconds = lines.began.elapsed().as_secs_f64();
                let _ = writeln!(
                    stderr(),
                    "{seconds:>6.1} s  taken {created:>5}  reserved {reserved:>5}  paid {paid:>5}  shipped {shipped:>5}  refused {refused:>5}"
                );
            }
        }
    }

    /// Something worth a line.
    pub(crate) fn note(&self, text: &str) {
        match &self.how {
            #[cfg(test)]
            How::Silent => {}
            How::Bars { all, .. } => drop(all.println(text)),
            How::Lines(_) => drop(writeln!(stderr(), "{text}")),
        }
    }

    /// The bars stay as they are, and what is written next comes below.
    pub(crate) fn end(&self) {
        if let How::Bars { bars, .. } = &self.how {
            bars.iter().for_each(ProgressBar::abandon);
        }
    }
}
