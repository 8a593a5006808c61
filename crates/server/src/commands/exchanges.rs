//! `leveret exchanges`.

use super::Runs;
use super::args::{InVhost, OneInVhost, object};
use super::list::ListInVhost;
use super::noun::Noun;
use crate::failure::Outcome;
use crate::output::Kind;
use clap::{Args, Subcommand};
use serde_json::json;

pub(crate) const NOUN: Noun = Noun {
    path: "exchanges",
    one: "exchange",
    command: "exchanges",
    is_in_vhost: true,
    is_paged: true,
    columns: &[
        ("vhost", "vhost", Kind::Text),
        ("name", "name", Kind::Text),
        ("type", "type", Kind::Text),
        ("durable", "durable", Kind::Text),
        ("auto-delete", "auto_delete", Kind::Text),
        ("internal", "internal", Kind::Text),
        ("in", "message_stats.publish_in_details.rate", Kind::Rate),
        ("out", "message_stats.publish_out_details.rate", Kind::Rate),
        ("arguments", "arguments", Kind::Text),
    ],
};

/// What can be done with exchanges.
#[derive(Subcommand)]
pub(crate) enum Exchanges {
    /// List exchanges with their types and rates
    #[command(after_help = "Examples:
  leveret exchanges list
  leveret exchanges list --vhost shop --filter '^events' --columns name,type")]
    List(ListInVhost),

    /// Show everything about an exchange
    #[command(after_help = "Examples:
  leveret exchanges show amq.topic
  leveret exchanges show events --vhost shop --json")]
    Show(OneInVhost),

    /// Declare an exchange; the same again changes nothing
    #[command(after_help = "Examples:
  leveret exchanges declare events --type topic
  leveret exchanges declare later --type x-delayed-message --argument x-delayed-type=direct
  leveret exchanges declare lost --type fanout --transient")]
    Declare(Declare),

    /// Delete an exchange and its bindings
    #[command(after_help = "Examples:
  leveret exchanges delete events
  leveret exchanges delete events --if-unused
        refused while something is bound to it")]
    Delete(Delete),
}

/// Options of `exchanges declare`.
#[derive(Args)]
pub(crate) struct Declare {
    /// Its name
    name: String,
    /// Type: direct, fanout, topic, headers, or one the broker adds
    #[arg(long = "type", short = 't', value_name = "TYPE", default_value = "direct")]
    kind: String,
    /// Is gone when the broker stops
    #[arg(long)]
    transient: bool,
    /// Is deleted when the last binding from it is gone
    #[arg(long)]
    auto_delete: bool,
    /// Takes messages from other exchanges only
    #[arg(long)]
    internal: bool,
    /// Argument such as alternate-exchange=lost; may be given several times
    #[arg(long = "argument", short, value_name = "KEY=VALUE")]
    arguments: Vec<String>,
    #[command(flatten)]
    place: InVhost,
}

/// Options of `exchanges delete`.
#[derive(Args)]
pub(crate) struct Delete {
    /// Its name
    name: String,
    /// Only when nothing is bound to it
    #[arg(long)]
    if_unused: bool,
    #[command(flatten)]
    place: InVhost,
}

impl Runs for Exchanges {
    fn run(self) -> Outcome {
        match self {
            Exchanges::List(list) => list.run(&NOUN),
            Exchanges::Show(one) => NOUN.show_one_in_vhost(&one),
            Exchanges::Declare(Declare {
                name,
                kind,
                transient,
                auto_delete,
                internal,
                arguments,
                place,
            }) => {
                let body = json!({
                    "type": kind, "durable": !transient, "auto_delete": auto_delete, "internal": internal,
                    "arguments": object(&arguments)?,
                });
                NOUN.put_in(&[&name], &body, &place)
            }
            Exchanges::Delete(Delete { name, if_unused, place }) => {
                let query = if if_unused { "?if-unused=true" } else { "" };
                NOUN.delete_in(&[&name], query, &place)
            }
        }
    }
}
