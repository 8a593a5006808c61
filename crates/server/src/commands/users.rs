//! `leveret users`.

use super::Runs;
use super::args::{Common, One};
use super::list::ListOptions;
use super::noun::Noun;
use crate::failure::{Failure, Outcome};
use crate::http::{Api, path};
use crate::output::Kind;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::io::Read;

const NOUN: Noun = Noun {
    path: "users",
    one: "user",
    command: "users",
    is_in_vhost: false,
    is_paged: false,
    columns: &[("name", "name", Kind::Text), ("tags", "tags", Kind::Text), ("limits", "limits", Kind::Text)],
};

/// Longest password that is read from stdin.
const PASSWORD_BYTES_MAX: u64 = 4096;

/// What can be done with users.
#[derive(Subcommand)]
pub(crate) enum Users {
    /// List users with their tags
    #[command(after_help = "Examples:
  leveret users list
  leveret users list --filter '^app' --json")]
    List(ListOptions),

    /// Show everything about a user
    #[command(after_help = "Examples:
  leveret users show app")]
    Show(One),

    /// Make a user, or change its password or tags
    #[command(after_help = "Examples:
  leveret users set app --new-password-stdin < password.txt
  leveret users set ops --tags administrator --new-password-stdin
  leveret users set ops --tags monitoring
        the password stays as it is
  leveret permissions set app
        what a new user needs next")]
    Set(Set),

    /// Delete a user; its connections are closed
    #[command(after_help = "Examples:
  leveret users delete app")]
    Delete(One),
}

/// Options of `users set`.
#[derive(Args)]
pub(crate) struct Set {
    /// Its name
    name: String,
    /// Its password; others may see it in the list of processes
    #[arg(long, value_name = "PASSWORD", group = "secret")]
    new_password: Option<String>,
    /// Reads its password from stdin, without the end of the line
    #[arg(long, group = "secret")]
    new_password_stdin: bool,
    /// The hash of its password, as definitions have it
    #[arg(long, value_name = "BASE64", group = "secret")]
    password_hash: Option<String>,
    /// Tags, with commas between: administrator, monitoring, policymaker, management
    #[arg(long, value_name = "TAG,...")]
    tags: Option<String>,
    #[command(flatten)]
    common: Common,
}

impl Runs for Users {
    fn run(self) -> Outcome {
        match self {
            Users::List(list) => list.run(&NOUN, "users"),
            Users::Show(one) => NOUN.show_one(&one),
            Users::Delete(one) => NOUN.delete_one(&one),
            Users::Set(set) => set.run(),
        }
    }
}

impl Set {
    fn run(self) -> Outcome {
        let api = self.common.api()?;
        let known = self.known(&api)?;
        let tags = self.tags.clone().map_or_else(|| known["tags"].clone(), Value::String);
        let mut body = json!({"tags": if tags.is_null() { "".into() } else { tags }});
        match (&self.new_password, self.new_password_stdin, &self.password_hash) {
            (Some(password), ..) => body["password"] = password.as_str().into(),
            (_, true, _) => body["password"] = from_stdin()?.into(),
            (_, _, Some(hash)) => body["password_hash"] = hash.as_str().into(),
            _ if known.is_null() => {
                return Err(Failure::usage(format!(
                    "user '{}' is new and needs a password: --new-password-stdin, --new-password or --password-hash",
                    self.name
                )));
            }
            // What is not said again would be taken away.
            _ => {
                body["password_hash"] = known["password_hash"].clone();
                body["hashing_algorithm"] = known["hashing_algorithm"].clone();
            }
        }
        NOUN.put(&api, "", &[&self.name], &body, &self.common)
    }

    /// The user as it is; `Null` when it is new.
    fn known(&self, api: &Api) -> Result<Value, Failure> {
        match api.get(&path(&["users", &self.name])) {
            Err(error) if error.status() == Some(404) => Ok(Value::Null),
            found => Ok(found?),
        }
    }
}

fn from_stdin() -> Result<String, Failure> {
    let mut text = String::new();
    let mut stdin = std::io::stdin().lock().take(PASSWORD_BYTES_MAX);
    stdin
        .read_to_string(&mut text)
        .map_err(|error| Failure::new(format!("the password on stdin: {error}")))?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() { Err(Failure::usage("there is no password on stdin")) } else { Ok(line.to_owned()) }
}
