//! `leveret schedules`: what delayed exchanges hold until it is due.

use super::args::InVhost;
use super::own::ours;
use super::{DONE, Runs};
use crate::failure::{Failure, Outcome};
use crate::http::{Api, path};
use crate::output::{Column, Kind, is_coloured, print, print_json, table};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::io::Write as _;

/// What can be done with messages that wait.
#[derive(Subcommand)]
pub(crate) enum Schedules {
    /// List the messages a delayed exchange holds, what is due first at the top
    #[command(
        after_help = "Only of Leveret.\n\nExamples:\n  leveret schedules list later\n  leveret schedules list later --limit 1000 --json"
    )]
    List(List),
    /// Cancel a message: it is never sent
    #[command(after_help = "Only of Leveret.\n\nExamples:\n  leveret schedules cancel later 17")]
    Cancel(One),
    /// Send a message now instead of when it is due
    #[command(after_help = "Only of Leveret.\n\nExamples:\n  leveret schedules send later 17")]
    Send(One),
}

/// Options of `schedules list`.
#[derive(Args)]
pub(crate) struct List {
    /// The delayed exchange
    exchange: String,
    /// Messages at most
    #[arg(long, short, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// Begins behind the message with this id
    #[arg(long, value_name = "ID")]
    after: Option<u64>,
    #[command(flatten)]
    place: InVhost,
}

/// A message that waits.
#[derive(Args)]
pub(crate) struct One {
    /// The delayed exchange
    exchange: String,
    /// The message's id, as the list shows it
    id: u64,
    #[command(flatten)]
    place: InVhost,
}

const COLUMNS: &[(&str, &str, Kind)] = &[
    ("id", "id", Kind::Text),
    ("due", "due_at", Kind::Time),
    ("routing-key", "routing_key", Kind::Text),
    ("bytes", "payload_bytes", Kind::Bytes),
    ("body", "payload", Kind::Text),
];

impl Runs for Schedules {
    fn run(self) -> Outcome {
        match self {
            Schedules::List(list) => list.run(),
            Schedules::Cancel(one) => one.run("DELETE", "", "cancelled"),
            Schedules::Send(one) => one.run("POST", "/send", "sent"),
        }
    }
}

impl List {
    fn run(self) -> Outcome {
        let (api, vhost) = self.place.find()?;
        ours(&api, "schedules", "")?;
        let after = self.after.map(|after| format!("&after={after}")).unwrap_or_default();
        let place = path(&["leveret", "schedules", &vhost, &self.exchange]);
        let truncate = if self.place.common.output.json { "" } else { "&truncate=60" };
        let found = api
            .get(&format!("{place}?count={}{after}{truncate}", self.limit))
            .map_err(|error| missing(error.into(), &api, &vhost, &self.exchange))?;
        if self.place.common.output.json {
            print_json(&found)?;
            return DONE;
        }
        let columns: Vec<Column> = COLUMNS.iter().map(Column::of).collect();
        let rows = found["messages"].as_array().map_or(&[][..], Vec::as_slice);
        print(&table(&columns, rows, !self.place.common.output.quiet, is_coloured()))?;
        if !self.place.common.output.quiet {
            let _ = writeln!(std::io::stderr(), "{} of {} messages", rows.len(), found["count"]);
        }
        DONE
    }
}

impl One {
    fn run(self, method: &str, end: &str, done: &str) -> Outcome {
        let (api, vhost) = self.place.find()?;
        ours(&api, "schedules", "")?;
        let place = path(&["leveret", "schedules", &vhost, &self.exchange, &self.id.to_string()]) + end;
        api.send(method, &place, None).map_err(|error| {
            let is_missing = error.status() == Some(404);
            match missing(error.into(), &api, &vhost, &self.exchange) {
                failure if is_missing && !failure.text.starts_with("there is") => Failure::new(format!(
                    "exchange '{}' holds no message {}; it may have been sent by now",
                    self.exchange, self.id
                )),
                failure => failure,
            }
        })?;
        let said = json!({"done": done, "exchange": self.exchange, "id": self.id.to_string()});
        self.place
            .common
            .output
            .done(&format!("message {} of exchange '{}' {done}", self.id, self.exchange), &said)?;
        DONE
    }
}

/// Whether it is the exchange that is not there, or not of the type.
fn missing(failure: Failure, api: &Api, vhost: &str, exchange: &str) -> Failure {
    match api.get(&path(&["exchanges", vhost, exchange])) {
        Err(error) if error.status() == Some(404) => Failure::new(format!(
            "there is no exchange '{exchange}' in vhost '{vhost}'; `leveret exchanges list --filter delayed` may show it"
        )),
        Ok(Value::Object(found)) if found.get("type").is_some_and(|kind| kind != "x-delayed-message") => {
            Failure::new(format!(
                "there is nothing to wait in exchange '{exchange}': its type is not x-delayed-message"
            ))
        }
        _ => failure,
    }
}
