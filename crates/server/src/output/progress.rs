//! How far a long work is, on stderr, when that is a terminal.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::Duration;

/// A moving line that disappears when it is dropped; nothing where nobody looks.
pub(crate) struct Progress(Option<ProgressBar>);

impl Progress {
    /// Shows this while it lasts; `total` is 0 where it is not known.
    pub(crate) fn new(what: &'static str, total: u64, is_wanted: bool) -> Progress {
        if !is_wanted || !std::io::stderr().is_terminal() {
            return Progress(None);
        }
        let (bar, template) = match total {
            0 => (ProgressBar::new_spinner(), "{spinner} {msg} {human_pos}  {per_sec}  {elapsed}"),
            _ => (ProgressBar::new(total), "{msg} {wide_bar} {human_pos}/{human_len}  {per_sec}  {eta}"),
        };
        let style = ProgressStyle::with_template(template);
        let bar =
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner())).with_message(what);
        bar.enable_steady_tick(Duration::from_millis(200));
        Progress(Some(bar))
    }

    /// So many more are done.
    pub(crate) fn add(&self, done: u64) {
        if let Some(bar) = &self.0 {
            bar.inc(done);
        }
    }

    /// Now it is known how many there are.
    pub(crate) fn total(&self, total: u64) {
        if let Some(bar) = &self.0 {
            bar.set_length(total);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
