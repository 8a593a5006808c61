//! `leveret browse`: messages where they lie. None is taken, marked or counted.

use super::args::InVhost;
use super::own::{Filter, ours};
use super::queues::NOUN;
use super::{DONE, Runs};
use crate::failure::{Failure, Outcome};
use crate::http::{Api, path};
use crate::output::{BOLD, Column, Kind, is_coloured, painted, print, printable, table};
use clap::Args;
use serde_json::{Value, json};
use std::io::Write as _;

/// Messages of one request.
const PAGE_LEN: usize = 100;

/// Options of `leveret browse`.
#[derive(Args)]
pub(crate) struct Browse {
    /// The queue
    queue: String,
    /// Messages at most
    #[arg(long, short, value_name = "COUNT", default_value_t = 20)]
    count: usize,
    /// Begins at this place, as an earlier look told it
    #[arg(long, value_name = "PLACE")]
    cursor: Option<String>,
    /// Bytes of a body that are fetched; the table shows the beginning of a line of it
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 10)]
    truncate: u64,
    /// Prints messages whole, with properties and headers
    #[arg(long, short, help_heading = "Output")]
    verbose: bool,
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    place: InVhost,
}

/// The end of its help.
pub(super) const EXAMPLES: &str = "\
Only of Leveret: RabbitMQ cannot look without touching. With --json every message is an object on a line, as of `leveret get`.

Examples:
  leveret browse orders
  leveret browse lost --died rejected --header tenant=eu --verbose
  leveret browse orders --routing-key 'order.#' --body 'ä' --count 1000 --json | jq .properties.message_id";

const COLUMNS: &[(&str, &str, Kind)] = &[
    ("place", "place", Kind::Text),
    ("exchange", "exchange", Kind::Text),
    ("routing-key", "routing_key", Kind::Text),
    ("deliveries", "delivery_count", Kind::Count),
    ("bytes", "payload_bytes", Kind::Bytes),
    ("died", "died", Kind::Text),
    ("body", "body", Kind::Text),
];

impl Runs for Browse {
    fn run(self) -> Outcome {
        let (api, vhost) = self.place.find()?;
        ours(&api, "browse", "; `leveret get QUEUE --verbose` shows the first messages and puts them back")?;
        let mut cursor = self.cursor.clone();
        let mut rows = Vec::new();
        let mut seen = 0;
        while seen < self.count {
            let page = self.page(&api, &vhost, cursor.as_deref(), self.count - seen)?;
            for message in page["messages"].as_array().into_iter().flatten() {
                seen += 1;
                if self.place.common.output.json {
                    print(&format!("{message}\n"))?;
                } else if self.verbose {
                    print(&whole(message))?;
                } else {
                    rows.push(row(message));
                }
            }
            cursor = page["next"].as_str().map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
        if !self.place.common.output.json && !self.verbose {
            let columns: Vec<Column> = COLUMNS.iter().map(Column::of).collect();
            print(&table(&columns, &rows, !self.place.common.output.quiet, is_coloured()))?;
        }
        if let Some(next) = cursor.filter(|_| !self.place.common.output.quiet) {
            let _ = writeln!(std::io::stderr(), "there are more: --cursor {next}");
        }
        DONE
    }
}

impl Browse {
    fn page(&self, api: &Api, vhost: &str, cursor: Option<&str>, left: usize) -> Result<Value, Failure> {
        let body = json!({
            "count": left.min(PAGE_LEN), "truncate": self.truncate, "cursor": cursor, "filter": self.filter.conditions()?,
        });
        let path = path(&["leveret", "queues", vhost, &self.queue, "browse"]);
        NOUN.ask(api, (vhost, &self.queue), "POST", &path, Some(&body))
    }
}

/// What the table shows of a message.
fn row(message: &Value) -> Value {
    let mut row = message.clone();
    let body: String = match message["payload_encoding"].as_str() {
        Some("string") => message["payload"].as_str().unwrap_or_default().chars().take(60).collect(),
        _ => "(binary)".into(),
    };
    row["body"] = body.into();
    let deaths = message["properties"]["headers"]["x-death"].as_array().into_iter().flatten();
    let reasons: Vec<&str> = deaths.filter_map(|death| death["reason"].as_str()).collect();
    row["died"] = reasons.join(", ").into();
    row
}

fn whole(message: &Value) -> String {
    let mut lines = String::new();
    let text = |value: &Value| printable(&value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    let about = format!("-- place {}, {} bytes", text(&message["place"]), message["payload_bytes"]);
    lines += &(painted(BOLD, &about, is_coloured()) + "\n");
    let keys = ["exchange", "routing_key", "redelivered", "delivery_count", "expires_at", "waits_until"];
    let own = keys.iter().filter_map(|key| message.get(*key).map(|value| (*key, value)));
    let properties = message["properties"].as_object().into_iter().flatten();
    for (key, value) in own.chain(properties.map(|(key, value)| (key.as_str(), value))) {
        lines += &format!("{key:<16} {}\n", text(value).replace('\n', " "));
    }
    lines + "\n" + &text(&message["payload"]) + "\n\n"
}
