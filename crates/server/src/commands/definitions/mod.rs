//! `leveret definitions`: everything that is declared, as RabbitMQ's JSON: export, import, compare.

mod diff;

use super::args::Common;
use super::{DONE, Runs};
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::http::{Api, HttpOptions, path};
use crate::output::{GREEN, Progress, RED, YELLOW, is_coloured, painted, print, print_json, printable};
use clap::{Args, Subcommand};
use diff::{Change, changes};
use serde_json::{Value, json};
use std::io::Read as _;

/// Largest file of definitions, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// What can be done with definitions.
#[derive(Subcommand)]
pub(crate) enum Definitions {
    /// Write the definitions of a broker to a file or stdout
    #[command(after_help = "Examples:
  leveret definitions export broker.json
  leveret definitions export --vhost shop > shop.json
        without users, permissions and other virtual hosts")]
    Export(Export),

    /// Give a broker the definitions of a file; what it has already stays
    #[command(after_help = "Examples:
  leveret definitions import broker.json
  leveret definitions import shop.json --vhost shop
  leveret definitions import broker.json --dry-run
        says what would be new or changed
  leveret definitions export --http http://old:15672 | leveret definitions import - --http http://new:15672")]
    Import(Import),

    /// Compare definitions of files or brokers; exit code 1 when they differ
    #[command(after_help = "\
A line per difference: + only the second has it, - only the first has it, ~ both have it and it is not the same.

Examples:
  leveret definitions diff broker.json
        the file and the broker
  leveret definitions diff old.json new.json
  leveret definitions diff http://guest:guest@old:15672 http://guest:guest@new:15672 --ignore password_hash")]
    Diff(Diff),
}

/// Options of `definitions export`.
#[derive(Args)]
pub(crate) struct Export {
    /// The file; - is stdout
    #[arg(default_value = "-")]
    file: String,
    /// Only those of this virtual host
    #[arg(long, short = 'V', value_name = "NAME")]
    vhost: Option<String>,
    #[command(flatten)]
    common: Common,
}

/// Options of `definitions import`.
#[derive(Args)]
pub(crate) struct Import {
    /// The file; - is stdin
    file: String,
    /// Into this virtual host, from an export of one
    #[arg(long, short = 'V', value_name = "NAME")]
    vhost: Option<String>,
    /// Changes nothing, says what would change
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    common: Common,
}

/// Options of `definitions diff`.
#[derive(Args)]
pub(crate) struct Diff {
    /// A file, - for stdin, or the URL of a broker's HTTP API
    first: String,
    /// The same [default: the broker]
    second: Option<String>,
    /// Keys that may differ, with commas between
    #[arg(long, value_name = "KEY,...", value_delimiter = ',')]
    ignore: Vec<String>,
    #[command(flatten)]
    common: Common,
}

impl Runs for Definitions {
    fn run(self) -> Outcome {
        match self {
            Definitions::Export(export) => export.run(),
            Definitions::Import(import) => import.run(),
            Definitions::Diff(diff) => diff.run(),
        }
    }
}

fn place(vhost: Option<&String>) -> String {
    vhost.map_or("definitions".to_owned(), |vhost| path(&["definitions", vhost]))
}

fn read(file: &str) -> Result<Value, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::new(format!("{file}: {error}"));
    let mut text = Vec::new();
    match file {
        "-" => std::io::stdin().lock().take(FILE_BYTES_MAX).read_to_end(&mut text),
        file => std::fs::File::open(file).and_then(|open| open.take(FILE_BYTES_MAX).read_to_end(&mut text)),
    }
    .map_err(|error| failed(&error))?;
    match serde_json::from_slice(&text) {
        Ok(found @ Value::Object(_)) => Ok(found),
        Ok(_) => Err(failed(&"is JSON, but no object with definitions")),
        Err(error) => Err(failed(&format_args!("is not JSON: {error}"))),
    }
}

/// Things in definitions.
fn things(definitions: &Value) -> usize {
    definitions.as_object().into_iter().flatten().filter_map(|(_, list)| list.as_array()).map(Vec::len).sum()
}

impl Export {
    fn run(self) -> Outcome {
        let found = self.common.api()?.get(&place(self.vhost.as_ref()))?;
        let text =
            serde_json::to_string_pretty(&found).map_err(|error| Failure::new(error.to_string()))? + "\n";
        if self.file == "-" {
            print(&text)?;
            return DONE;
        }
        // Whole or not at all: a backup that was cut short would be taken for one.
        let unfinished = format!("{}.part", self.file);
        std::fs::write(&unfinished, text)
            .and_then(|()| std::fs::rename(&unfinished, &self.file))
            .map_err(|error| Failure::new(format!("{}: {error}", self.file)))?;
        let said = json!({"done": "exported", "file": self.file, "things": things(&found)});
        self.common
            .output
            .done(&format!("{} definitions written to {}", things(&found), self.file), &said)?;
        DONE
    }
}

impl Import {
    fn run(self) -> Outcome {
        let given = read(&self.file)?;
        let api = self.common.api()?;
        if self.dry_run {
            let now = api.get(&place(self.vhost.as_ref()))?;
            // What the file does not name stays as it is.
            let new: Vec<Change> = changes(&now, &given, &[])
                .into_iter()
                .filter(|change| !matches!(change, Change::Removed { .. }))
                .collect();
            show(&new, self.common.output.json)?;
            return DONE;
        }
        let progress = Progress::new("importing", 0, !self.common.output.quiet);
        api.send("POST", &place(self.vhost.as_ref()), Some(&given))?;
        drop(progress);
        let said = json!({"done": "imported", "things": things(&given)});
        self.common.output.done(&format!("{} definitions imported", things(&given)), &said)?;
        DONE
    }
}

impl Diff {
    fn run(self) -> Outcome {
        let first = self.fetch(&self.first)?;
        let second = match &self.second {
            Some(second) => self.fetch(second)?,
            None => self.common.api()?.get("definitions")?,
        };
        let found = changes(&first, &second, &self.ignore);
        if !self.common.output.quiet {
            show(&found, self.common.output.json)?;
        }
        if found.is_empty() { DONE } else { Ok(exit::FAILURE) }
    }

    fn fetch(&self, from: &str) -> Result<Value, Failure> {
        if !from.contains("://") {
            return read(from);
        }
        let http = HttpOptions { http: Some(from.to_owned()), ..self.common.http.clone() };
        let api: Api = http.api()?;
        Ok(api.get("definitions")?)
    }
}

fn show(changes: &[Change], json: bool) -> Result<(), Failure> {
    if json {
        return print_json(&changes.iter().map(Change::json).collect());
    }
    let is_coloured = is_coloured();
    for change in changes {
        let (code, mark) = match change {
            Change::Added { .. } => (GREEN, "+"),
            Change::Removed { .. } => (RED, "-"),
            Change::Changed { .. } => (YELLOW, "~"),
        };
        print(&(painted(code, &format!("{mark} {}", printable(&change.words())), is_coloured) + "\n"))?;
    }
    Ok(())
}
