//! `leveret bindings`.

use super::args::{InVhost, VhostOption, object};
use super::exchanges::NOUN as EXCHANGE;
use super::list::ListOptions;
use super::noun::Noun;
use super::queues::NOUN as QUEUE;
use super::{DONE, Runs};
use crate::failure::{Failure, Outcome};
use crate::http::{Api, path};
use crate::output::Kind;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

const NOUN: Noun = Noun {
    path: "bindings",
    one: "binding",
    command: "bindings",
    is_in_vhost: true,
    is_paged: false,
    columns: &[
        ("vhost", "vhost", Kind::Text),
        ("source", "source", Kind::Text),
        ("to", "destination_type", Kind::Text),
        ("destination", "destination", Kind::Text),
        ("routing-key", "routing_key", Kind::Text),
        ("arguments", "arguments", Kind::Text),
    ],
};

/// What can be done with bindings.
#[derive(Subcommand)]
pub(crate) enum Bindings {
    /// List bindings; those of the default exchange have no source
    #[command(after_help = "Examples:
  leveret bindings list
  leveret bindings list --source events
        where its messages go
  leveret bindings list --queue orders --columns source,routing_key")]
    List(List),

    /// Bind a queue or an exchange to an exchange; the same again changes nothing
    #[command(after_help = "Examples:
  leveret bindings declare events --queue orders --routing-key 'order.#'
  leveret bindings declare events --exchange audit --routing-key '#'
  leveret bindings declare by-header --queue invoices --argument x-match=all --argument kind=invoice")]
    Declare(Pair),

    /// Delete a binding
    #[command(after_help = "Examples:
  leveret bindings delete events --queue orders --routing-key 'order.#'
  leveret bindings delete by-header --queue invoices --argument x-match=all --argument kind=invoice
        arguments are part of what a binding is")]
    Delete(Pair),
}

/// Options of `bindings list`.
#[derive(Args)]
pub(crate) struct List {
    /// Only those from this exchange
    #[arg(long, value_name = "EXCHANGE", conflicts_with_all = ["queue", "exchange"])]
    source: Option<String>,
    /// Only those to this queue
    #[arg(long, value_name = "QUEUE", conflicts_with = "exchange")]
    queue: Option<String>,
    /// Only those to this exchange
    #[arg(long, value_name = "EXCHANGE")]
    exchange: Option<String>,
    #[command(flatten)]
    vhost: VhostOption,
    #[command(flatten)]
    list: ListOptions,
}

/// Options of `bindings declare` and `bindings delete`.
#[derive(Args)]
pub(crate) struct Pair {
    /// The exchange messages come from
    source: String,
    /// The queue they go to
    #[arg(
        long,
        short = 'Q',
        value_name = "QUEUE",
        required_unless_present = "exchange",
        conflicts_with = "exchange"
    )]
    queue: Option<String>,
    /// The exchange they go to
    #[arg(long, short = 'e', value_name = "EXCHANGE")]
    exchange: Option<String>,
    /// Routing key, for topic exchanges a pattern
    #[arg(long, short = 'k', value_name = "KEY", default_value = "")]
    routing_key: String,
    /// Argument; may be given several times
    #[arg(long = "argument", short, value_name = "KEY=VALUE")]
    arguments: Vec<String>,
    #[command(flatten)]
    place: InVhost,
}

impl Runs for Bindings {
    fn run(self) -> Outcome {
        match self {
            Bindings::List(List { source, queue, exchange, vhost, list }) => {
                let named = vhost.vhost.is_some() || std::env::var_os("LEVERET_VHOST").is_some();
                let vhost = vhost.name()?;
                let api = list.common.api()?;
                // The broker answers with no bindings, or with that of the default exchange.
                for (noun, name) in [(&EXCHANGE, &source), (&QUEUE, &queue), (&EXCHANGE, &exchange)] {
                    if let Some(name) = name.as_deref().filter(|name| !name.is_empty()) {
                        let place = path(&[noun.path, &vhost, name]);
                        noun.ask(&api, (&vhost, name), "GET", &place, None)?;
                    }
                }
                let path = match (&source, &queue, &exchange) {
                    (Some(source), ..) => path(&["exchanges", &vhost, source, "bindings", "source"]),
                    (_, Some(queue), _) => path(&["queues", &vhost, queue, "bindings"]),
                    (_, _, Some(exchange)) => {
                        path(&["exchanges", &vhost, exchange, "bindings", "destination"])
                    }
                    _ if named => path(&["bindings", &vhost]),
                    _ => "bindings".to_owned(),
                };
                list.run(&NOUN, &path)
            }
            Bindings::Declare(pair) => pair.declare(),
            Bindings::Delete(pair) => pair.delete(),
        }
    }
}

impl Pair {
    /// The path of every binding between the two.
    fn path(&self, vhost: &str) -> String {
        match (&self.queue, &self.exchange) {
            (Some(queue), _) => path(&["bindings", vhost, "e", &self.source, "q", queue]),
            (_, exchange) => {
                path(&["bindings", vhost, "e", &self.source, "e", exchange.as_deref().unwrap_or_default()])
            }
        }
    }

    fn words(&self) -> String {
        let destination = match (&self.queue, &self.exchange) {
            (Some(queue), _) => format!("queue '{queue}'"),
            (_, exchange) => format!("exchange '{}'", exchange.as_deref().unwrap_or_default()),
        };
        format!(
            "binding of {destination} to exchange '{}' with routing key '{}'",
            self.source, self.routing_key
        )
    }

    fn said(&self, what: &str, vhost: &str) -> Outcome {
        let said = json!({
            "done": what, "vhost": vhost, "source": self.source, "routing_key": self.routing_key,
            "queue": self.queue, "exchange": self.exchange,
        });
        self.place.common.output.done(&format!("{} {what}", self.words()), &said)?;
        DONE
    }

    fn declare(&self) -> Outcome {
        let (api, vhost) = self.place.find()?;
        let body = json!({"routing_key": self.routing_key, "arguments": object(&self.arguments)?});
        api.send("POST", &self.path(&vhost), Some(&body))
            .map_err(|error| self.explained(error.into(), &api, &vhost))?;
        self.said("declared", &vhost)
    }

    /// A 404 does not say which of the two is missing.
    fn explained(&self, failure: Failure, api: &Api, vhost: &str) -> Failure {
        let missing = |kind: &str, name: &str| {
            api.get(&path(&[kind, vhost, name])).is_err_and(|error| error.status() == Some(404))
        };
        let named = [
            ("exchanges", Some(&self.source)),
            ("queues", self.queue.as_ref()),
            ("exchanges", self.exchange.as_ref()),
        ];
        for (kind, name) in named {
            if let Some(name) = name.filter(|name| missing(kind, name)) {
                let one = kind.trim_end_matches('s');
                return Failure::new(format!(
                    "there is no {one} '{name}' in vhost '{vhost}'; `leveret {kind} list` shows all"
                ));
            }
        }
        failure
    }

    fn delete(&self) -> Outcome {
        let (api, vhost) = self.place.find()?;
        let place = self.path(&vhost);
        let found = api.get(&place).map_err(|error| self.explained(error.into(), &api, &vhost))?;
        let arguments = Value::Object(object(&self.arguments)?);
        let same = found.as_array().into_iter().flatten().find(|binding| {
            binding["routing_key"] == self.routing_key.as_str() && binding["arguments"] == arguments
        });
        let Some(key) = same.and_then(|binding| binding["properties_key"].as_str()) else {
            let others = found.as_array().map_or(0, Vec::len);
            return Err(Failure::new(format!(
                "there is no {} and these arguments; between the two there are {others} others: `leveret bindings list --source {}`",
                self.words(),
                self.source
            )));
        };
        api.send("DELETE", &format!("{place}/{}", crate::http::encoded(key)), None)?;
        self.said("deleted", &vhost)
    }
}
