//! `leveret shovels`: messages carried from one broker to another, by a broker.

use super::Runs;
use super::args::{InVhost, OneInVhost, object};
use super::list::ListOptions;
use super::noun::Noun;
use crate::failure::{Failure, Outcome};
use crate::http::path;
use crate::output::Kind;
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

const SHOVEL: Noun = Noun {
    path: "shovels/vhost",
    one: "shovel",
    command: "shovels",
    is_in_vhost: true,
    is_paged: false,
    columns: &[
        ("vhost", "vhost", Kind::Text),
        ("name", "name", Kind::Text),
        ("state", "state", Kind::Text),
        ("source", "src_uri", Kind::Text),
        ("queue", "src_queue", Kind::Text),
        ("target", "dest_uri", Kind::Text),
        ("queue", "dest_queue", Kind::Text),
        ("exchange", "dest_exchange", Kind::Text),
        ("forwarded", "forwarded", Kind::Count),
        ("pending", "pending", Kind::Count),
        ("reason", "reason", Kind::Text),
    ],
};

/// What can be done with shovels.
#[derive(Subcommand)]
pub(crate) enum Shovels {
    /// List shovels and what they do
    #[command(after_help = "Examples:
  leveret shovels list
  leveret shovels list --json")]
    List(ListOptions),

    /// Show everything about a shovel
    #[command(after_help = "Examples:
  leveret shovels show to-cluster")]
    Show(OneInVhost),

    /// Make or change a shovel: the broker takes messages from one place to another until it is deleted
    #[command(
        after_help = "A URI without a host, amqp:// or amqp:///VHOST, is the broker itself. Other keys of RabbitMQ's parameter are given as
KEY=VALUE; https://www.rabbitmq.com/docs/shovel-dynamic lists them.

Examples:
  leveret shovels declare to-cluster --from amqp:// --from-queue orders \\
      --to amqp://app:secret@mq1.example:5672/shop --to-queue orders
        everything that enters `orders` goes to the cluster; nothing is lost, whichever end dies
  leveret shovels declare drain --from amqp:// --from-queue old --to amqp:// --to-queue new src-delete-after=queue-length
        moves what is in `old` now, then deletes itself
  leveret shovels declare events --from amqps://app:secret@mq2/ --from-exchange events --from-key 'order.#' \\
      --to amqp:// --to-exchange events src-prefetch-count=200 dest-add-forward-headers=true"
    )]
    Declare(Declare),

    /// Delete a shovel; its queues and their messages stay
    #[command(after_help = "Examples:
  leveret shovels delete to-cluster")]
    Delete(OneInVhost),

    /// Stop a shovel and start it anew
    #[command(after_help = "Examples:
  leveret shovels restart to-cluster")]
    Restart(OneInVhost),
}

/// Options of `shovels declare`.
#[derive(Args)]
pub(crate) struct Declare {
    /// Its name
    name: String,
    /// URI of the source; several are tried in turn
    #[arg(long, value_name = "URI", required = true)]
    from: Vec<String>,
    /// Queue of the source
    #[arg(
        long,
        value_name = "NAME",
        required_unless_present = "from_exchange",
        conflicts_with = "from_exchange"
    )]
    from_queue: Option<String>,
    /// Exchange of the source, from now on
    #[arg(long, value_name = "NAME")]
    from_exchange: Option<String>,
    /// Key that the exchange is bound with
    #[arg(long, value_name = "KEY", requires = "from_exchange")]
    from_key: Option<String>,
    /// URI of the target; several are tried in turn
    #[arg(long, value_name = "URI", required = true)]
    to: Vec<String>,
    /// Queue of the target
    #[arg(long, value_name = "NAME", conflicts_with = "to_exchange")]
    to_queue: Option<String>,
    /// Exchange of the target; without queue and exchange each message keeps its own
    #[arg(long, value_name = "NAME")]
    to_exchange: Option<String>,
    /// Routing key at the target; each message keeps its own without
    #[arg(long, value_name = "KEY", conflicts_with = "to_queue")]
    to_key: Option<String>,
    /// Further keys of the parameter: numbers, true and JSON are read as such
    #[arg(value_name = "KEY=VALUE")]
    more: Vec<String>,
    #[command(flatten)]
    place: InVhost,
}

impl Declare {
    fn value(&self) -> Result<Map<String, Value>, Failure> {
        let mut value = object(&self.more)?;
        let uris = |uris: &[String]| if let [uri] = uris { json!(uri) } else { json!(uris) };
        value.insert("src-uri".into(), uris(&self.from));
        value.insert("dest-uri".into(), uris(&self.to));
        for (key, text) in [
            ("src-queue", &self.from_queue),
            ("src-exchange", &self.from_exchange),
            ("src-exchange-key", &self.from_key),
            ("dest-queue", &self.to_queue),
            ("dest-exchange", &self.to_exchange),
            ("dest-exchange-key", &self.to_key),
        ] {
            value.extend(text.iter().map(|text| (key.to_owned(), json!(text))));
        }
        Ok(value)
    }
}

impl Runs for Shovels {
    fn run(self) -> Outcome {
        match self {
            Shovels::List(list) => list.run(&SHOVEL, "shovels"),
            Shovels::Show(one) => SHOVEL.show_one_in_vhost(&one),
            Shovels::Delete(one) => SHOVEL.delete_one_in_vhost(&one),
            Shovels::Restart(OneInVhost { name, place }) => {
                let (api, vhost) = place.find()?;
                let path = path(&["shovels", "vhost", &vhost, &name, "restart"]);
                SHOVEL.ask(&api, (&vhost, &name), "DELETE", &path, None)?;
                SHOVEL.done("restarted", &vhost, &name, &place.common)
            }
            Shovels::Declare(declare) => {
                let (api, vhost) = declare.place.find()?;
                let body = json!({"value": declare.value()?});
                let path = path(&["parameters", "shovel", &vhost, &declare.name]);
                SHOVEL.ask(&api, (&vhost, &declare.name), "PUT", &path, Some(&body))?;
                SHOVEL.done("declared", &vhost, &declare.name, &declare.place.common)
            }
        }
    }
}
