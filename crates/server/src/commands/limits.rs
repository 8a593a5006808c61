//! `leveret limits`: how many connections, channels and queues a virtual host or a user may have.

use super::args::Common;
use super::list::ListOptions;
use super::noun::Noun;
use super::{DONE, Runs};
use crate::client_file::{ClientFile, setting};
use crate::failure::{Failure, Outcome};
use crate::http::path;
use crate::output::{Column, Kind};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

const NOUN: Noun = Noun {
    path: "vhost-limits",
    one: "limit",
    command: "limits",
    is_in_vhost: false,
    is_paged: false,
    columns: &[
        ("of", "of", Kind::Text),
        ("name", "name", Kind::Text),
        ("limit", "limit", Kind::Text),
        ("value", "value", Kind::Count),
    ],
};

/// What can be done with limits.
#[derive(Subcommand)]
pub(crate) enum Limits {
    /// List the limits of virtual hosts and users
    #[command(after_help = "Examples:
  leveret limits list")]
    List(ListOptions),

    /// Set a limit of a virtual host or a user; a negative number is none
    #[command(after_help = "Examples:
  leveret limits set max-queues 100 --vhost shop
  leveret limits set max-connections 10 --of-user app
  leveret limits set max-channels 50 --of-user app")]
    Set(Set),

    /// Delete a limit
    #[command(after_help = "Examples:
  leveret limits delete max-queues --vhost shop
  leveret limits delete max-connections --of-user app")]
    Delete(Delete),
}

/// Whose limit.
#[derive(Args)]
pub(crate) struct Owner {
    /// Of this user
    #[arg(long, value_name = "NAME", conflicts_with = "vhost")]
    of_user: Option<String>,
    /// Of this virtual host [env: LEVERET_VHOST] [default: /]
    #[arg(long, short = 'V', value_name = "NAME")]
    vhost: Option<String>,
}

/// Options of `limits set`.
#[derive(Args)]
pub(crate) struct Set {
    /// max-connections, max-queues (virtual hosts) or max-channels (users)
    limit: String,
    /// How many
    #[arg(allow_negative_numbers = true)]
    value: i64,
    #[command(flatten)]
    owner: Owner,
    #[command(flatten)]
    common: Common,
}

/// Options of `limits delete`.
#[derive(Args)]
pub(crate) struct Delete {
    /// max-connections, max-queues (virtual hosts) or max-channels (users)
    limit: String,
    #[command(flatten)]
    owner: Owner,
    #[command(flatten)]
    common: Common,
}

impl Owner {
    /// What it is, and its name.
    fn named(&self) -> Result<(&'static str, String), Failure> {
        if let Some(user) = &self.of_user {
            return Ok(("user", user.clone()));
        }
        let vhost = setting(self.vhost.clone(), "LEVERET_VHOST", ClientFile::read()?.vhost);
        Ok(("vhost", vhost.unwrap_or_else(|| "/".to_owned())))
    }

    /// The broker deletes what is not there as well.
    fn must_have(&self, common: &Common, limit: &str) -> Result<(), Failure> {
        let (kind, name) = self.named()?;
        let found = common.api()?.get(&format!("{kind}-limits"))?;
        let mut of_it = found.as_array().into_iter().flatten().filter(|owner| owner[kind] == name.as_str());
        if of_it.any(|owner| owner["value"].get(limit).is_some()) {
            return Ok(());
        }
        Err(Failure::new(format!(
            "there is no limit {limit} of {kind} '{name}'; `leveret limits list` shows all"
        )))
    }

    fn change(&self, common: &Common, method: &str, limit: &str, body: Option<Value>, done: &str) -> Outcome {
        let (kind, name) = self.named()?;
        let place = path(&[&format!("{kind}-limits"), &name, limit]);
        common.api()?.send(method, &place, body.as_ref())?;
        let said = json!({"done": done, "limit": limit, kind: name});
        common.output.done(&format!("limit {limit} of {kind} '{name}' {done}"), &said)?;
        DONE
    }
}

impl Runs for Limits {
    fn run(self) -> Outcome {
        match self {
            Limits::List(list) => run_list(&list),
            Limits::Set(Set { limit, value, owner, common }) => {
                owner.change(&common, "PUT", &limit, Some(json!({"value": value})), "set")
            }
            Limits::Delete(Delete { limit, owner, common }) => {
                owner.must_have(&common, &limit)?;
                owner.change(&common, "DELETE", &limit, None, "deleted")
            }
        }
    }
}

fn run_list(list: &ListOptions) -> Outcome {
    let api = list.common.api()?;
    let mut rows = Vec::new();
    for kind in ["vhost", "user"] {
        let found = api.get(&format!("{kind}-limits"))?;
        for owner in found.as_array().into_iter().flatten() {
            for (limit, value) in owner["value"].as_object().into_iter().flatten() {
                rows.push(json!({"of": kind, "name": owner[kind], "limit": limit, "value": value}));
            }
        }
    }
    let columns: Vec<Column> = list.wanted(&NOUN);
    list.print(&list.arranged(rows, list.sort.as_deref())?, &columns)
}
