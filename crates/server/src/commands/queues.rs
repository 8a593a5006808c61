//! `leveret queues`.

use super::args::{InVhost, OneInVhost, object};
use super::list::ListInVhost;
use super::noun::Noun;
use super::own::ours;
use super::{DONE, Runs};
use crate::failure::Outcome;
use crate::http::path;
use crate::output::Kind;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

/// Queues of the HTTP API.
pub(crate) const NOUN: Noun = Noun {
    path: "queues",
    one: "queue",
    command: "queues",
    is_in_vhost: true,
    is_paged: true,
    columns: &[
        ("vhost", "vhost", Kind::Text),
        ("name", "name", Kind::Text),
        ("type", "type", Kind::Text),
        ("ready", "messages_ready", Kind::Count),
        ("unacked", "messages_unacknowledged", Kind::Count),
        ("messages", "messages", Kind::Count),
        ("consumers", "consumers", Kind::Count),
        ("in", "message_stats.publish_details.rate", Kind::Rate),
        ("out", "message_stats.deliver_get_details.rate", Kind::Rate),
        ("state", "state", Kind::Text),
    ],
};

/// What can be done with queues.
#[derive(Subcommand)]
pub(crate) enum Queues {
    /// List queues with their messages, consumers and rates
    #[command(after_help = "Examples:
  leveret queues list --sort messages --reverse --limit 20
        the twenty longest
  leveret queues list --vhost shop --filter '^order' --columns name,messages,memory
  leveret queues list --json | jq -r '.[] | select(.consumers == 0) | .name'")]
    List(ListInVhost),

    /// Show everything about a queue
    #[command(after_help = "Examples:
  leveret queues show orders
  leveret queues show orders --vhost shop --json")]
    Show(OneInVhost),

    /// Declare a queue; the same again changes nothing
    #[command(after_help = "Examples:
  leveret queues declare orders
  leveret queues declare orders --type quorum --argument x-delivery-limit=5
  leveret queues declare latest --argument x-max-length=1000 --argument x-overflow=drop-head
  leveret queues declare log --type stream --argument x-max-age=7D")]
    Declare(Declare),

    /// Delete a queue and its messages
    #[command(after_help = "Examples:
  leveret queues delete orders
  leveret queues delete orders --if-empty --if-unused
        refused while it has messages or consumers")]
    Delete(Delete),

    /// Delete the ready messages of a queue
    #[command(after_help = "Examples:
  leveret queues purge orders")]
    Purge(OneInVhost),

    /// Stop deliveries of a queue until it is resumed
    #[command(after_help = "Only of Leveret.

Examples:
  leveret queues pause orders
        while its consumers are mended; messages are still taken in")]
    Pause(OneInVhost),

    /// Let deliveries of a paused queue go on
    #[command(after_help = "Only of Leveret.

Examples:
  leveret queues resume orders")]
    Resume(OneInVhost),
}

/// Options of `queues declare`.
#[derive(Args)]
pub(crate) struct Declare {
    /// Its name
    name: String,
    /// Type: classic, quorum or stream [default: the virtual host's]
    #[arg(long = "type", short = 't', value_name = "TYPE")]
    kind: Option<String>,
    /// Is gone when the broker stops
    #[arg(long)]
    transient: bool,
    /// Is deleted when its last consumer leaves
    #[arg(long)]
    auto_delete: bool,
    /// Argument such as x-max-length=1000; may be given several times
    #[arg(long = "argument", short, value_name = "KEY=VALUE")]
    arguments: Vec<String>,
    #[command(flatten)]
    place: InVhost,
}

/// Options of `queues delete`.
#[derive(Args)]
pub(crate) struct Delete {
    /// Its name
    name: String,
    /// Only when it has no messages
    #[arg(long)]
    if_empty: bool,
    /// Only when it has no consumers
    #[arg(long)]
    if_unused: bool,
    #[command(flatten)]
    place: InVhost,
}

impl Runs for Queues {
    fn run(self) -> Outcome {
        match self {
            Queues::List(list) => list.run(&NOUN),
            Queues::Show(one) => NOUN.show_one_in_vhost(&one),
            Queues::Declare(declare) => declare.run(),
            Queues::Delete(Delete { name, if_empty, if_unused, place }) => {
                let query = match (if_empty, if_unused) {
                    (false, false) => "",
                    (true, false) => "?if-empty=true",
                    (false, true) => "?if-unused=true",
                    (true, true) => "?if-empty=true&if-unused=true",
                };
                NOUN.delete_in(&[&name], query, &place)
            }
            Queues::Pause(one) => switch(&one, "pause", "paused"),
            Queues::Resume(one) => switch(&one, "resume", "resumed"),
            Queues::Purge(one) => {
                let (api, vhost) = one.place.find()?;
                let path = path(&["queues", &vhost, &one.name, "contents"]);
                NOUN.ask(&api, (&vhost, &one.name), "DELETE", &path, None)?;
                NOUN.done("purged", &vhost, &one.name, &one.place.common)?;
                DONE
            }
        }
    }
}

/// Pauses or resumes.
fn switch(one: &OneInVhost, what: &str, done: &str) -> Outcome {
    let (api, vhost) = one.place.find()?;
    ours(&api, "pausing a queue", "")?;
    let path = path(&["leveret", "queues", &vhost, &one.name, what]);
    NOUN.ask(&api, (&vhost, &one.name), "POST", &path, None)?;
    NOUN.done(done, &vhost, &one.name, &one.place.common)
}

impl Declare {
    fn run(self) -> Outcome {
        let mut arguments = object(&self.arguments)?;
        if let Some(kind) = self.kind {
            arguments.insert("x-queue-type".into(), Value::String(kind));
        }
        let body =
            json!({"durable": !self.transient, "auto_delete": self.auto_delete, "arguments": arguments});
        NOUN.put_in(&[&self.name], &body, &self.place)
    }
}
