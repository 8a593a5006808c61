//! `leveret parameters` and `leveret global-parameters`.

use super::Runs;
use super::args::{Common, InVhost, One, typed};
use super::list::ListOptions;
use super::noun::{Noun, show};
use crate::failure::Outcome;
use crate::http::path;
use crate::output::Kind;
use clap::{Args, Subcommand};
use serde_json::json;

const PARAMETER: Noun = Noun {
    path: "parameters",
    one: "parameter",
    command: "parameters",
    // The component comes first, which `place` knows.
    is_in_vhost: false,
    is_paged: false,
    columns: &[
        ("component", "component", Kind::Text),
        ("vhost", "vhost", Kind::Text),
        ("name", "name", Kind::Text),
        ("value", "value", Kind::Text),
    ],
};

const GLOBAL: Noun = Noun {
    path: "global-parameters",
    one: "global parameter",
    command: "global-parameters",
    is_in_vhost: false,
    is_paged: false,
    columns: &[("name", "name", Kind::Text), ("value", "value", Kind::Text)],
};

/// What can be done with parameters.
#[derive(Subcommand)]
pub(crate) enum Parameters {
    /// List parameters, which belong to a component and a virtual host
    #[command(after_help = "Examples:
  leveret parameters list
  leveret parameters list --component federation-upstream")]
    List(List),

    /// Show a parameter
    #[command(after_help = "Examples:
  leveret parameters show federation-upstream origin")]
    Show(Named),

    /// Make or change a parameter; the value is JSON, or else a text
    #[command(after_help = "Examples:
  leveret parameters set vhost-limits limits '{\"max-queues\": 100}'
        the same as `leveret limits set max-queues 100`")]
    Set(Set),

    /// Delete a parameter
    #[command(after_help = "Examples:
  leveret parameters delete federation-upstream origin")]
    Delete(Named),
}

/// What can be done with global parameters.
#[derive(Subcommand)]
pub(crate) enum GlobalParameters {
    /// List global parameters
    #[command(after_help = "Examples:
  leveret global-parameters list")]
    List(ListOptions),

    /// Show a global parameter
    #[command(after_help = "Examples:
  leveret global-parameters show cluster_name")]
    Show(One),

    /// Make or change a global parameter; the value is JSON, or else a text
    #[command(after_help = "Examples:
  leveret global-parameters set owner 'team messaging'
  leveret global-parameters set contact '{\"mail\": \"ops@example.org\"}'")]
    Set(SetGlobal),

    /// Delete a global parameter
    #[command(after_help = "Examples:
  leveret global-parameters delete owner")]
    Delete(One),
}

/// Options of `parameters list`.
#[derive(Args)]
pub(crate) struct List {
    /// Only those of this component
    #[arg(long, value_name = "NAME")]
    component: Option<String>,
    #[command(flatten)]
    list: ListOptions,
}

/// A parameter by name.
#[derive(Args)]
pub(crate) struct Named {
    /// The component it belongs to
    component: String,
    /// Its name
    name: String,
    #[command(flatten)]
    place: InVhost,
}

/// Options of `parameters set`.
#[derive(Args)]
pub(crate) struct Set {
    /// The component it belongs to
    component: String,
    /// Its name
    name: String,
    /// Its value
    value: String,
    #[command(flatten)]
    place: InVhost,
}

/// Options of `global-parameters set`.
#[derive(Args)]
pub(crate) struct SetGlobal {
    /// Its name
    name: String,
    /// Its value
    value: String,
    #[command(flatten)]
    common: Common,
}

impl Runs for Parameters {
    fn run(self) -> Outcome {
        match self {
            Parameters::List(List { component: None, list }) => list.run(&PARAMETER, "parameters"),
            Parameters::List(List { component: Some(component), list }) => {
                list.run(&PARAMETER, &path(&["parameters", &component]))
            }
            Parameters::Show(Named { component, name, place }) => {
                let (api, vhost) = place.find()?;
                let path = path(&["parameters", &component, &vhost, &name]);
                show(&PARAMETER.ask(&api, (&vhost, &name), "GET", &path, None)?, &place.common)
            }
            Parameters::Delete(Named { component, name, place }) => {
                let (api, vhost) = place.find()?;
                PARAMETER.delete(&api, "", &[&component, &vhost, &name], "", &place.common)
            }
            Parameters::Set(Set { component, name, value, place }) => {
                let (api, vhost) = place.find()?;
                let body =
                    json!({"component": component, "vhost": vhost, "name": name, "value": typed(&value)});
                PARAMETER.put(&api, "", &[&component, &vhost, &name], &body, &place.common)
            }
        }
    }
}

impl Runs for GlobalParameters {
    fn run(self) -> Outcome {
        match self {
            GlobalParameters::List(list) => list.run(&GLOBAL, "global-parameters"),
            GlobalParameters::Show(one) => GLOBAL.show_one(&one),
            GlobalParameters::Delete(one) => GLOBAL.delete_one(&one),
            GlobalParameters::Set(SetGlobal { name, value, common }) => {
                let body = json!({"name": name, "value": typed(&value)});
                GLOBAL.put(&common.api()?, "", &[&name], &body, &common)
            }
        }
    }
}
