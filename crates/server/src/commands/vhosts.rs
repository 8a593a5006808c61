//! `leveret vhosts`.

use super::Runs;
use super::args::{Common, One};
use super::list::ListOptions;
use super::noun::Noun;
use crate::failure::Outcome;
use crate::output::Kind;
use clap::{ArgAction, Args, Subcommand};
use serde_json::json;

/// Virtual hosts of the HTTP API.
pub(crate) const NOUN: Noun = Noun {
    path: "vhosts",
    one: "vhost",
    command: "vhosts",
    is_in_vhost: false,
    is_paged: false,
    columns: &[
        ("name", "name", Kind::Text),
        ("messages", "messages", Kind::Count),
        ("ready", "messages_ready", Kind::Count),
        ("unacked", "messages_unacknowledged", Kind::Count),
        ("tracing", "tracing", Kind::Text),
        ("default-queue-type", "default_queue_type", Kind::Text),
        ("description", "description", Kind::Text),
    ],
};

/// What can be done with virtual hosts.
#[derive(Subcommand)]
pub(crate) enum Vhosts {
    /// List virtual hosts with their messages
    #[command(after_help = "Examples:
  leveret vhosts list
  leveret vhosts list --sort messages --reverse")]
    List(ListOptions),

    /// Show everything about a virtual host
    #[command(after_help = "Examples:
  leveret vhosts show shop")]
    Show(One),

    /// Declare a virtual host, or change its description and tracing
    #[command(after_help = "Examples:
  leveret vhosts declare shop --description 'orders and stock'
  leveret vhosts declare shop --default-queue-type quorum
  leveret vhosts declare shop --tracing true
        copies of all messages go to amq.rabbitmq.trace; see `leveret trace`")]
    Declare(Declare),

    /// Delete a virtual host with everything in it
    #[command(after_help = "Examples:
  leveret vhosts delete shop")]
    Delete(One),
}

/// Options of `vhosts declare`.
#[derive(Args)]
pub(crate) struct Declare {
    /// Its name
    name: String,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Tags, with commas between
    #[arg(long, value_name = "TAG,...")]
    tags: Option<String>,
    /// Type of queues that are declared without one
    #[arg(long, value_name = "TYPE")]
    default_queue_type: Option<String>,
    /// Copies every message to amq.rabbitmq.trace: true or false
    #[arg(long, value_name = "BOOL", action = ArgAction::Set)]
    tracing: Option<bool>,
    #[command(flatten)]
    common: Common,
}

impl Runs for Vhosts {
    fn run(self) -> Outcome {
        match self {
            Vhosts::List(list) => list.run(&NOUN, "vhosts"),
            Vhosts::Show(one) => NOUN.show_one(&one),
            Vhosts::Delete(one) => NOUN.delete_one(&one),
            Vhosts::Declare(Declare { name, description, tags, default_queue_type, tracing, common }) => {
                let mut body = json!({});
                let texts = [
                    ("description", description),
                    ("tags", tags),
                    ("default_queue_type", default_queue_type),
                ];
                for (key, value) in texts {
                    if let Some(value) = value {
                        body[key] = value.into();
                    }
                }
                if let Some(tracing) = tracing {
                    body["tracing"] = tracing.into();
                }
                NOUN.put(&common.api()?, "", &[&name], &body, &common)
            }
        }
    }
}
