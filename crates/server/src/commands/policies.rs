//! `leveret policies` and `leveret operator-policies`: the same, and operator policies only ever narrow.

use super::Runs;
use super::args::{InVhost, OneInVhost, json_object, object};
use super::list::ListInVhost;
use super::noun::Noun;
use crate::failure::{Failure, Outcome};
use crate::output::Kind;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

const COLUMNS: &[(&str, &str, Kind)] = &[
    ("vhost", "vhost", Kind::Text),
    ("name", "name", Kind::Text),
    ("pattern", "pattern", Kind::Text),
    ("apply-to", "apply-to", Kind::Text),
    ("priority", "priority", Kind::Count),
    ("definition", "definition", Kind::Text),
];

const POLICY: Noun = Noun {
    path: "policies",
    one: "policy",
    command: "policies",
    is_in_vhost: true,
    is_paged: false,
    columns: COLUMNS,
};

const OPERATOR_POLICY: Noun =
    Noun { path: "operator-policies", one: "operator policy", command: "operator-policies", ..POLICY };

/// What can be done with policies.
#[derive(Subcommand)]
pub(crate) enum Policies {
    /// List policies
    #[command(after_help = "Examples:
  leveret policies list
  leveret policies list --vhost shop --sort priority --reverse")]
    List(ListInVhost),

    /// Show a policy
    #[command(after_help = "Examples:
  leveret policies show ttl --vhost shop")]
    Show(OneInVhost),

    /// Make or change a policy; it takes effect at once
    #[command(after_help = "Examples:
  leveret policies set ttl '^order' message-ttl=60000 --apply-to queues
  leveret policies set retry '^work\\.' 'dead-letter-exchange=lost' max-length=10000 --priority 5
  leveret policies set same '^x' --definition '{\"max-length\": 1000}'")]
    Set(Set),

    /// Delete a policy
    #[command(after_help = "Examples:
  leveret policies delete ttl")]
    Delete(OneInVhost),
}

/// What can be done with operator policies.
#[derive(Subcommand)]
pub(crate) enum OperatorPolicies {
    /// List operator policies
    #[command(after_help = "Examples:
  leveret operator-policies list")]
    List(ListInVhost),

    /// Show an operator policy
    #[command(after_help = "Examples:
  leveret operator-policies show bound")]
    Show(OneInVhost),

    /// Make or change an operator policy: bounds that users' policies and arguments cannot exceed
    #[command(after_help = "Examples:
  leveret operator-policies set bound '.*' max-length=1000000 --apply-to queues")]
    Set(Set),

    /// Delete an operator policy
    #[command(after_help = "Examples:
  leveret operator-policies delete bound")]
    Delete(OneInVhost),
}

/// Options of `set`.
#[derive(Args)]
pub(crate) struct Set {
    /// Its name
    name: String,
    /// Names it applies to, a regular expression
    pattern: String,
    /// What it sets, such as message-ttl=60000
    #[arg(value_name = "KEY=VALUE", required_unless_present = "definition")]
    keys: Vec<String>,
    /// The same as a JSON object
    #[arg(long, value_name = "JSON", conflicts_with = "keys")]
    definition: Option<String>,
    /// What it applies to: queues, exchanges, all, or a type of queue such as quorum_queues
    #[arg(long, value_name = "KIND", default_value = "all")]
    apply_to: String,
    /// Of several that match, the one with the highest priority counts
    #[arg(long, value_name = "NUMBER", default_value_t = 0, allow_negative_numbers = true)]
    priority: i64,
    #[command(flatten)]
    place: InVhost,
}

impl Set {
    fn run(self, noun: &Noun) -> Outcome {
        let definition = self.definition()?;
        let body = json!({
            "pattern": self.pattern, "definition": definition, "apply-to": self.apply_to, "priority": self.priority,
        });
        noun.put_in(&[&self.name], &body, &self.place)
    }

    fn definition(&self) -> Result<Value, Failure> {
        self.definition
            .as_ref()
            .map_or_else(|| Ok(Value::Object(object(&self.keys)?)), |text| json_object(text))
    }
}

impl Runs for Policies {
    fn run(self) -> Outcome {
        match self {
            Policies::List(list) => list.run(&POLICY),
            Policies::Show(one) => POLICY.show_one_in_vhost(&one),
            Policies::Delete(one) => POLICY.delete_one_in_vhost(&one),
            Policies::Set(set) => set.run(&POLICY),
        }
    }
}

impl Runs for OperatorPolicies {
    fn run(self) -> Outcome {
        match self {
            OperatorPolicies::List(list) => list.run(&OPERATOR_POLICY),
            OperatorPolicies::Show(one) => OPERATOR_POLICY.show_one_in_vhost(&one),
            OperatorPolicies::Delete(one) => OPERATOR_POLICY.delete_one_in_vhost(&one),
            OperatorPolicies::Set(set) => set.run(&OPERATOR_POLICY),
        }
    }
}
