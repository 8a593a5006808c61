//! `leveret permissions` and `leveret topic-permissions`.

use super::Runs;
use super::args::{InVhost, OneInVhost};
use super::list::ListOptions;
use super::noun::Noun;
use crate::failure::{Failure, Outcome};
use crate::http::path;
use crate::output::Kind;
use clap::{Args, Subcommand};
use serde_json::json;

const PERMISSION: Noun = Noun {
    path: "permissions",
    one: "permission",
    command: "permissions",
    is_in_vhost: true,
    is_paged: false,
    columns: &[
        ("vhost", "vhost", Kind::Text),
        ("user", "user", Kind::Text),
        ("configure", "configure", Kind::Text),
        ("write", "write", Kind::Text),
        ("read", "read", Kind::Text),
    ],
};

const TOPIC: Noun = Noun {
    path: "topic-permissions",
    one: "topic permission",
    command: "topic-permissions",
    is_in_vhost: true,
    is_paged: false,
    columns: &[
        ("vhost", "vhost", Kind::Text),
        ("user", "user", Kind::Text),
        ("exchange", "exchange", Kind::Text),
        ("write", "write", Kind::Text),
        ("read", "read", Kind::Text),
    ],
};

/// What can be done with permissions.
#[derive(Subcommand)]
pub(crate) enum Permissions {
    /// List who may do what: a regular expression for names per right
    #[command(after_help = "Examples:
  leveret permissions list
  leveret permissions list --filter '^app$'
        those of one user, by its name
  leveret permissions list --vhost shop")]
    List(List),

    /// Show what a user may do in a virtual host
    #[command(after_help = "Examples:
  leveret permissions show app --vhost shop")]
    Show(OneInVhost),

    /// Let a user into a virtual host; everything unless patterns say what
    #[command(after_help = "Examples:
  leveret permissions set app --vhost shop
        everything
  leveret permissions set reader --configure '^$' --write '^$' --read '^orders'")]
    Set(Set),

    /// Take a user's permissions in a virtual host away
    #[command(after_help = "Examples:
  leveret permissions delete app --vhost shop")]
    Delete(OneInVhost),
}

/// What can be done with topic permissions.
#[derive(Subcommand)]
pub(crate) enum TopicPermissions {
    /// List which routing keys users may use on topic exchanges
    #[command(after_help = "Examples:
  leveret topic-permissions list --vhost shop")]
    List(List),

    /// Show which routing keys a user may use in a virtual host
    #[command(after_help = "Examples:
  leveret topic-permissions show app --vhost shop")]
    Show(OneInVhost),

    /// Set which routing keys a user may write to and read from a topic exchange
    #[command(after_help = "Examples:
  leveret topic-permissions set app --exchange events --write '^order\\.' --read '.*'")]
    Set(SetTopic),

    /// Take a user's topic permissions in a virtual host away
    #[command(after_help = "Examples:
  leveret topic-permissions delete app --vhost shop")]
    Delete(OneInVhost),
}

/// Options of both lists.
#[derive(Args)]
pub(crate) struct List {
    /// Only those in this virtual host [default: all]
    #[arg(long, short = 'V', value_name = "NAME")]
    vhost: Option<String>,
    #[command(flatten)]
    list: ListOptions,
}

/// Options of `permissions set`.
#[derive(Args)]
pub(crate) struct Set {
    /// The user's name
    #[arg(value_name = "USER")]
    name: String,
    /// What it may declare and delete
    #[arg(long, value_name = "REGEX", default_value = ".*")]
    configure: String,
    /// What it may publish to and bind
    #[arg(long, value_name = "REGEX", default_value = ".*")]
    write: String,
    /// What it may consume from and bind to
    #[arg(long, value_name = "REGEX", default_value = ".*")]
    read: String,
    #[command(flatten)]
    place: InVhost,
}

/// Options of `topic-permissions set`.
#[derive(Args)]
pub(crate) struct SetTopic {
    /// The user's name
    #[arg(value_name = "USER")]
    name: String,
    /// The topic exchange
    #[arg(long, short, value_name = "EXCHANGE", default_value = "amq.topic")]
    exchange: String,
    /// Routing keys it may publish with
    #[arg(long, value_name = "REGEX", default_value = ".*")]
    write: String,
    /// Routing keys it may bind with
    #[arg(long, value_name = "REGEX", default_value = ".*")]
    read: String,
    #[command(flatten)]
    place: InVhost,
}

impl List {
    fn run(self, noun: &Noun) -> Outcome {
        let path = match &self.vhost {
            Some(vhost) => path(&["vhosts", vhost, noun.path]),
            None => noun.path.to_owned(),
        };
        self.list.run(noun, &path)
    }
}

impl Runs for Permissions {
    fn run(self) -> Outcome {
        match self {
            Permissions::List(list) => list.run(&PERMISSION),
            Permissions::Show(one) => PERMISSION.show_one_in_vhost(&one),
            Permissions::Delete(one) => PERMISSION.delete_one_in_vhost(&one),
            Permissions::Set(Set { name, configure, write, read, place }) => {
                let body = json!({"configure": configure, "write": write, "read": read});
                PERMISSION.put_in(&[&name], &body, &place).map_err(explained)
            }
        }
    }
}

impl Runs for TopicPermissions {
    fn run(self) -> Outcome {
        match self {
            TopicPermissions::List(list) => list.run(&TOPIC),
            TopicPermissions::Show(one) => TOPIC.show_one_in_vhost(&one),
            TopicPermissions::Delete(one) => TOPIC.delete_one_in_vhost(&one),
            TopicPermissions::Set(SetTopic { name, exchange, write, read, place }) => {
                let body = json!({"exchange": exchange, "write": write, "read": read});
                PERMISSION.put_in(&[&name], &body, &place).map_err(explained)
            }
        }
    }
}

/// RabbitMQ's word for it does not say which of the two is missing.
fn explained(mut failure: Failure) -> Failure {
    if failure.text.contains("vhost_or_user_not_found") {
        failure.text.push_str(
            "\n  `leveret users list` shows the users and `leveret users set NAME --new-password-stdin` makes one; `leveret vhosts list` \
             shows the virtual hosts",
        );
    }
    failure
}
