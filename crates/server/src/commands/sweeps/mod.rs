//! `leveret replay`, `move` and `copy`: many messages at once, done by the broker; and in `list.rs` how far it came.

mod list;

pub(crate) use list::Sweeps;

use super::args::InVhost;
use super::own::{Filter, ours};
use super::queues::NOUN as QUEUE;
use super::{DONE, Runs};
use crate::failure::{Failure, Outcome};
use crate::http::{Api, path};
use crate::output::{Progress, print_json};
use clap::Args;
use serde_json::{Value, json};
use std::time::Duration;

/// How often is asked how far it came.
const ASK_TIME: Duration = Duration::from_millis(200);

/// What the three have in common.
#[derive(Args)]
pub(crate) struct Begin {
    /// Only the message at this place, as `leveret browse` shows it; may be given several times
    #[arg(long = "place", value_name = "PLACE", help_heading = "Which messages")]
    places: Vec<String>,
    #[command(flatten)]
    filter: Filter,
    /// Messages per second [default: as many as possible]
    #[arg(long, short, value_name = "RATE", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// Does not wait for the end; `leveret sweeps show ID` tells how far it came
    #[arg(long)]
    detach: bool,
    #[command(flatten)]
    place: InVhost,
}

/// Options of `leveret replay`.
#[derive(Args)]
pub(crate) struct Replay {
    /// The queue, usually one for dead letters
    queue: String,
    /// Straight into the queue they died in first, instead of the exchange they were published to
    #[arg(long, conflicts_with = "to_exchange")]
    to_queue: bool,
    /// To this exchange
    #[arg(long, value_name = "EXCHANGE")]
    to_exchange: Option<String>,
    /// With this routing key instead of their own
    #[arg(long, value_name = "KEY", requires = "to_exchange")]
    to_routing_key: Option<String>,
    #[command(flatten)]
    begin: Begin,
}

/// Options of `leveret move` and `leveret copy`.
#[derive(Args)]
pub(crate) struct Between {
    /// The queue
    queue: String,
    /// The queue they go to
    to_queue: String,
    #[command(flatten)]
    begin: Begin,
}

/// `leveret move`.
#[derive(Args)]
pub(crate) struct Move {
    #[command(flatten)]
    between: Between,
}

/// `leveret copy`.
#[derive(Args)]
pub(crate) struct Copy {
    #[command(flatten)]
    between: Between,
}

/// The end of the help of `replay`.
pub(super) const REPLAY: &str = "\
Only of Leveret. Messages leave the queue once they are where they go; nothing is lost when the broker stops in between.

Examples:
  leveret replay lost
        everything, to where it was first published
  leveret replay lost --died rejected --header tenant=eu --rate 100
  leveret replay lost --to-exchange retry --place 12 --place 15";

/// The end of the help of `move`.
pub(super) const MOVE: &str = "\
Only of Leveret.

Examples:
  leveret move orders orders-old --to 1700000000
        by their timestamps
  leveret move orders audit --header kind=test --rate 500";

/// The end of the help of `copy`.
pub(super) const COPY: &str = "\
Only of Leveret.

Examples:
  leveret copy orders debug --routing-key 'order.failed'";

impl Runs for Replay {
    fn run(self) -> Outcome {
        let mut body = json!({"action": "replay", "to": if self.to_queue { "queue" } else { "origin" }});
        if let Some(exchange) = &self.to_exchange {
            body["to"] = "exchange".into();
            body["exchange"] = exchange.as_str().into();
            body["routing_key"] = json!(self.to_routing_key);
        }
        self.begin.run("replay", &self.queue, body)
    }
}

impl Runs for Move {
    fn run(self) -> Outcome {
        self.between.run("move")
    }
}

impl Runs for Copy {
    fn run(self) -> Outcome {
        self.between.run("copy")
    }
}

impl Between {
    fn run(self, what: &str) -> Outcome {
        self.begin.run(what, &self.queue, json!({"action": what, "to": self.to_queue}))
    }
}

impl Begin {
    fn run(self, what: &str, queue: &str, mut body: Value) -> Outcome {
        let (api, vhost) = self.place.find()?;
        ours(&api, what, "")?;
        body["filter"] = self.filter.conditions()?;
        let places = self.places();
        if !places.is_empty() {
            body["places"] = json!(places);
        }
        if let Some(rate) = self.rate {
            body["per_second"] = rate.into();
        }
        let place = path(&["leveret", "queues", &vhost, queue, "sweeps"]);
        // Of two queues the other may be the one that is not there.
        let other = body["to"]
            .as_str()
            .filter(|_| body["action"] != "replay")
            .filter(|_| is_there(&api, &vhost, queue));
        let begun = QUEUE.ask(&api, (&vhost, other.unwrap_or(queue)), "POST", &place, Some(&body))?;
        let end = if self.detach { begun } else { self.wait(&api, &vhost, begun)? };
        self.told(&end)
    }

    /// Each once.
    fn places(&self) -> Vec<&String> {
        let is_first = |(at, place): &(usize, &String)| !self.places[..*at].contains(place);
        self.places.iter().enumerate().filter(is_first).map(|(_, place)| place).collect()
    }

    /// Why not all of the messages that were named by their places went, once it is over.
    fn missed(&self, sweep: &Value) -> Option<String> {
        let number = |key: &str| sweep[key].as_u64().unwrap_or_default();
        let (named, gone) = (self.places().len() as u64, number("skipped"));
        let others = named.saturating_sub(number("moved") + number("failed") + gone);
        match (gone, others) {
            _ if sweep["state"] != "done" => None,
            (0, 0) => None,
            (0, others) => Some(format!("{others} of {named} messages are not what the filter wants")),
            (gone, _) => Some(format!(
                "{gone} of {named} messages are no longer at their places: they were taken, or expired; `leveret browse` shows what is there"
            )),
        }
    }

    /// Asks until it is over.
    fn wait(&self, api: &Api, vhost: &str, mut sweep: Value) -> Result<Value, Failure> {
        let id = sweep["id"].to_string();
        let number = |sweep: &Value, key: &str| sweep[key].as_u64().unwrap_or_default();
        let done =
            |sweep: &Value| number(sweep, "moved") + number(sweep, "failed") + number(sweep, "skipped");
        let progress = Progress::new(
            "messages",
            done(&sweep) + number(&sweep, "remaining"),
            !self.place.common.output.quiet,
        );
        let mut shown = 0;
        while sweep["state"] == "running" {
            std::thread::sleep(ASK_TIME);
            sweep = api.get(&path(&["leveret", "sweeps", vhost, &id]))?;
            let now = done(&sweep);
            progress.total(now + number(&sweep, "remaining"));
            progress.add(now.saturating_sub(shown));
            shown = now;
        }
        Ok(sweep)
    }

    fn told(&self, sweep: &Value) -> Outcome {
        if self.place.common.output.json {
            print_json(sweep)?;
        } else {
            let sentence = format!(
                "{} {}: {} done, {} failed, {} skipped",
                sweep["action"].as_str().unwrap_or_default(),
                match sweep["state"].as_str() {
                    Some("running") => format!("{} is running", sweep["id"]),
                    state => state.unwrap_or_default().to_owned(),
                },
                sweep["moved"],
                sweep["failed"],
                sweep["skipped"]
            );
            self.place.common.output.done(&sentence, sweep)?;
        }
        match sweep["state"].as_str() {
            Some("done" | "running") if sweep["failed"] == 0 => {
                self.missed(sweep).map_or(DONE, |why| Err(Failure::new(why)))
            }
            _ => Err(Failure::new(sweep["problem"].as_str().unwrap_or("not every message went"))),
        }
    }
}

/// Whether a queue is there, or cannot be known not to be.
fn is_there(api: &Api, vhost: &str, queue: &str) -> bool {
    let found = api.get(&path(&["queues", vhost, queue]));
    !found.is_err_and(|error| error.status() == Some(404))
}
