//! `leveret connections` and `leveret channels`.

use super::Runs;
use super::args::{Common, One};
use super::list::ListInVhost;
use super::noun::Noun;
use crate::failure::{Failure, Outcome};
use crate::http::{Api, path};
use crate::output::Kind;
use clap::{Args, Subcommand};

const CONNECTION: Noun = Noun {
    path: "connections",
    one: "connection",
    command: "connections",
    is_in_vhost: false,
    is_paged: true,
    columns: &[
        ("name", "name", Kind::Text),
        ("user", "user", Kind::Text),
        ("vhost", "vhost", Kind::Text),
        ("state", "state", Kind::Text),
        ("channels", "channels", Kind::Count),
        ("in", "recv_oct_details.rate", Kind::Bytes),
        ("out", "send_oct_details.rate", Kind::Bytes),
        ("client", "client_properties.connection_name", Kind::Text),
        ("since", "connected_at", Kind::Time),
    ],
};

const CHANNEL: Noun = Noun {
    path: "channels",
    one: "channel",
    command: "channels",
    is_in_vhost: false,
    is_paged: true,
    columns: &[
        ("name", "name", Kind::Text),
        ("user", "user", Kind::Text),
        ("vhost", "vhost", Kind::Text),
        ("state", "state", Kind::Text),
        ("consumers", "consumer_count", Kind::Count),
        ("prefetch", "prefetch_count", Kind::Count),
        ("unacked", "messages_unacknowledged", Kind::Count),
        ("unconfirmed", "messages_unconfirmed", Kind::Count),
        ("confirm", "confirm", Kind::Text),
        ("publish", "message_stats.publish_details.rate", Kind::Rate),
        ("deliver", "message_stats.deliver_get_details.rate", Kind::Rate),
    ],
};

/// What can be done with connections.
#[derive(Subcommand)]
pub(crate) enum Connections {
    /// List connections with user, state and traffic
    #[command(after_help = "Examples:
  leveret connections list
  leveret connections list --sort channels --reverse --limit 10
  leveret connections list --columns name,user,client_properties.product,ssl")]
    List(ListInVhost),

    /// Show everything about a connection
    #[command(after_help = "Examples:
  leveret connections show '127.0.0.1:51234 -> 127.0.0.1:5672'")]
    Show(One),

    /// Close connections; the client is told why
    #[command(after_help = "Examples:
  leveret connections close '127.0.0.1:51234 -> 127.0.0.1:5672' --reason 'node is going down'
  leveret connections close --of-user batch
        every connection of this user")]
    Close(Close),
}

/// Options of `connections close`.
#[derive(Args)]
pub(crate) struct Close {
    /// Its name, as the list shows it
    #[arg(required_unless_present = "of_user", conflicts_with = "of_user")]
    name: Option<String>,
    /// Every connection of this user
    #[arg(long, value_name = "NAME")]
    of_user: Option<String>,
    /// What the client and the log are told
    #[arg(long, value_name = "TEXT", default_value = "Closed by leveret connections close")]
    reason: String,
    #[command(flatten)]
    common: Common,
}

/// What can be done with channels.
#[derive(Subcommand)]
pub(crate) enum Channels {
    /// List channels with consumers, unacked and unconfirmed messages
    #[command(after_help = "Examples:
  leveret channels list
  leveret channels list --sort unacked --reverse --limit 10")]
    List(ListInVhost),

    /// Show everything about a channel
    #[command(after_help = "Examples:
  leveret channels show '127.0.0.1:51234 -> 127.0.0.1:5672 (1)'")]
    Show(One),
}

impl Runs for Connections {
    fn run(self) -> Outcome {
        match self {
            Connections::List(list) => list.run(&CONNECTION),
            Connections::Show(one) => CONNECTION.show_one(&one),
            Connections::Close(close) => close.run(),
        }
    }
}

impl Runs for Channels {
    fn run(self) -> Outcome {
        match self {
            Channels::List(list) => list.run(&CHANNEL),
            Channels::Show(one) => CHANNEL.show_one(&one),
        }
    }
}

impl Close {
    fn run(self) -> Outcome {
        let api = self.common.api()?;
        let names = match (&self.name, &self.of_user) {
            (Some(name), _) => vec![name.clone()],
            (_, user) => {
                let user = user.as_deref().unwrap_or_default();
                let found = api.get("connections?columns=name,user")?;
                let found = found.as_array().into_iter().flatten();
                found
                    .filter(|one| one["user"] == user)
                    .filter_map(|one| Some(one["name"].as_str()?.to_owned()))
                    .collect()
            }
        };
        for name in &names {
            let path = path(&["connections", name]);
            // The reason travels in a header, which has one line.
            let reason = self.reason.replace(char::is_control, " ");
            CONNECTION.ask_with_header(&api, ("", name), &path, ("x-reason", &reason))?;
            CONNECTION.done("closed", "", name, &self.common)?;
        }
        if names.is_empty() {
            if let Some(user) = &self.of_user {
                must_be_known(&api, user)?;
            }
            let said = serde_json::json!({"done": "closed", "connection": null});
            self.common.output.done("no connection to close", &said)?;
        }
        super::DONE
    }
}

/// Nobody of this name is connected, which is no wonder when there is nobody. (Who may not ask is not told.)
fn must_be_known(api: &Api, user: &str) -> Result<(), Failure> {
    match api.get(&path(&["users", user])) {
        Err(error) if error.status() == Some(404) => Err(Failure::new(format!(
            "there is no user '{user}', and no connection of one; `leveret connections list` shows all"
        ))),
        _ => Ok(()),
    }
}
