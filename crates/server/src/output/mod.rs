//! What commands print: tables for people, JSON for programs, and nothing that a terminal would obey.

mod column;
mod progress;
mod table;
mod text;

pub(crate) use column::{Column, Kind, at, time};
pub(crate) use progress::Progress;
pub(crate) use table::table;
pub(crate) use text::{bytes, count, duration, printable, rate};

use crate::failure::Failure;
use clap::Args;
use serde_json::Value;
use std::io::{self, ErrorKind, IsTerminal, Write};

/// How a command prints.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct OutputOptions {
    /// Prints JSON as the broker gave it
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,

    /// Prints no headings, no totals, and nothing when something was done
    #[arg(long, short, help_heading = "Output")]
    pub(crate) quiet: bool,
}

impl OutputOptions {
    /// Says that something was done: a sentence, or JSON with these keys.
    pub(crate) fn done(&self, sentence: &str, json: &Value) -> Result<(), Failure> {
        match (self.json, self.quiet) {
            (true, _) => print_json(json),
            (false, true) => Ok(()),
            (false, false) => print(&format!("{}\n", printable(sentence))),
        }
    }
}

/// Writes to stdout. A reader that has gone, as `head` does, is no failure.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::new(format!("stdout: {error}"))),
        _ => Ok(()),
    }
}

/// Writes JSON to stdout: indented for people, on one line for programs.
pub(crate) fn print_json(value: &Value) -> Result<(), Failure> {
    let text = if io::stdout().is_terminal() {
        serde_json::to_string_pretty(value)
    } else {
        serde_json::to_string(value)
    };
    print(&(text.map_err(|error| Failure::new(error.to_string()))? + "\n"))
}

/// Whether stdout is a terminal that may be coloured: `NO_COLOR` and `TERM=dumb` say no.
pub(crate) fn is_coloured() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    io::stdout().is_terminal()
        && !is_set("NO_COLOR")
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Words for a terminal: bold, red, green.
pub(crate) fn painted(code: u8, text: &str, is_coloured: bool) -> String {
    if is_coloured { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

/// SGR codes of the few styles that are used.
pub(crate) const BOLD: u8 = 1;
/// Something is wrong.
pub(crate) const RED: u8 = 31;
/// All is well.
pub(crate) const GREEN: u8 = 32;
/// Worth a look.
pub(crate) const YELLOW: u8 = 33;
