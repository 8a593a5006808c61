//! `leveret health`: the broker's health checks, each with its answer, and an exit code.

use super::args::Common;
use super::{DONE, Runs};
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::http::{Api, encoded};
use crate::output::{BOLD, GREEN, RED, is_coloured, painted, print, print_json, printable};
use clap::Args;
use serde_json::{Value, json};

/// A check: its name, its path, and what stands behind `=` in words and by default.
struct Check {
    name: &'static str,
    path: &'static str,
    argument: Option<(&'static str, &'static str)>,
    /// Whether it is done when none is named.
    is_usual: bool,
}

const CHECKS: &[Check] = &[
    Check { name: "alarms", path: "health/checks/alarms", argument: None, is_usual: true },
    Check { name: "local-alarms", path: "health/checks/local-alarms", argument: None, is_usual: true },
    Check { name: "virtual-hosts", path: "health/checks/virtual-hosts", argument: None, is_usual: true },
    Check {
        name: "protocol-listener",
        path: "health/checks/protocol-listener/{}",
        argument: Some(("PROTOCOL", "amqp")),
        is_usual: true,
    },
    Check {
        name: "node-is-quorum-critical",
        path: "health/checks/node-is-quorum-critical",
        argument: None,
        is_usual: true,
    },
    Check {
        name: "port-listener",
        path: "health/checks/port-listener/{}",
        argument: Some(("PORT", "5672")),
        is_usual: false,
    },
    Check {
        name: "certificate-expiration",
        path: "health/checks/certificate-expiration/{}",
        argument: Some(("COUNT,UNIT", "1,months")),
        is_usual: false,
    },
    Check {
        name: "node-is-mirror-sync-critical",
        path: "health/checks/node-is-mirror-sync-critical",
        argument: None,
        is_usual: false,
    },
    Check {
        name: "ready-to-serve-clients",
        path: "health/checks/ready-to-serve-clients",
        argument: None,
        is_usual: false,
    },
    Check { name: "aliveness", path: "aliveness-test/{}", argument: Some(("VHOST", "/")), is_usual: false },
];

/// Options of `leveret health`.
#[derive(Args)]
pub(crate) struct Health {
    /// The checks [default: alarms, local-alarms, virtual-hosts, protocol-listener, node-is-quorum-critical]
    #[arg(value_name = "CHECK")]
    checks: Vec<String>,
    #[command(flatten)]
    common: Common,
}

/// The end of its help.
pub(super) const EXAMPLES: &str = "\
Checks: alarms, local-alarms, virtual-hosts, protocol-listener[=PROTOCOL], port-listener[=PORT],
certificate-expiration[=COUNT,UNIT], node-is-quorum-critical, node-is-mirror-sync-critical, aliveness[=VHOST],
ready-to-serve-clients.
aliveness declares a queue, publishes and gets a message; ready-to-serve-clients needs no valid login. Exit codes: 0 all is well, 1 a check failed or cannot be done, 2 usage.

Examples:
  leveret health
  leveret health alarms port-listener=5672 aliveness=/
  leveret health certificate-expiration=2,weeks --json
  leveret health --quiet || systemctl restart leveret";

impl Runs for Health {
    fn run(self) -> Outcome {
        let wanted = self.wanted()?;
        let api = self.common.api()?;
        let mut results = Vec::new();
        for (check, argument) in &wanted {
            results.push(done(&api, check, argument)?);
        }
        let is_well = results.iter().all(|result| result["status"] == "ok");
        if self.common.output.json {
            print_json(&json!({"status": if is_well { "ok" } else { "failed" }, "checks": results}))?;
        } else if !self.common.output.quiet {
            results.iter().try_for_each(|result| print(&line(result, is_coloured())))?;
        }
        if is_well { DONE } else { Ok(exit::FAILURE) }
    }
}

impl Health {
    fn wanted(&self) -> Result<Vec<(&'static Check, String)>, Failure> {
        if self.checks.is_empty() {
            let usual = CHECKS.iter().filter(|check| check.is_usual);
            return Ok(usual
                .map(|check| (check, check.argument.map_or("", |(_, usual)| usual).to_owned()))
                .collect());
        }
        self.checks.iter().map(|named| wanted(named)).collect()
    }
}

fn wanted(named: &str) -> Result<(&'static Check, String), Failure> {
    let (name, argument) =
        named.split_once('=').map_or((named, None), |(name, argument)| (name, Some(argument)));
    let Some(check) = CHECKS.iter().find(|check| check.name == name) else {
        let names: Vec<&str> = CHECKS.iter().map(|check| check.name).collect();
        return Err(Failure::usage(format!("there is no check '{name}'; there are {}", names.join(", "))));
    };
    match (check.argument, argument) {
        (None, Some(_)) => Err(Failure::usage(format!("check {name} takes no argument"))),
        (None, None) => Ok((check, String::new())),
        (Some((_, usual)), argument) => Ok((check, argument.unwrap_or(usual).to_owned())),
    }
}

/// One check, done. That the broker does not know it, or does not let us ask, is a failure of another kind.
fn done(api: &Api, check: &Check, argument: &str) -> Result<Value, Failure> {
    let argument: Vec<String> = argument.split(',').map(encoded).collect();
    let path = check.path.replace("{}", &argument.join("/"));
    let (status, text) = api.ask("GET", &path, None)?;
    let said: Value = serde_json::from_slice(&text).unwrap_or_default();
    match (status, said["status"].as_str()) {
        (200..300, _) => Ok(json!({"check": check.name, "status": "ok"})),
        // Some checks of a broker of old fail with 500 and the same words.
        (503, _) | (500..600, Some("failed")) => {
            let reason = said["reason"].as_str().unwrap_or("no reason given");
            Ok(json!({"check": check.name, "status": "failed", "reason": reason, "details": said}))
        }
        _ => Err(api.refusal("GET", &path, status, &text).into()),
    }
}

fn line(result: &Value, is_coloured: bool) -> String {
    let text = |key: &str| printable(result[key].as_str().unwrap_or_default());
    let is_ok = result["status"] == "ok";
    let status =
        painted(if is_ok { GREEN } else { RED }, if is_ok { "ok    " } else { "FAILED" }, is_coloured);
    let name = painted(BOLD, &text("check"), is_coloured && !is_ok);
    format!("{status}  {name}{}{}\n", if is_ok { "" } else { ": " }, text("reason"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_named_with_their_argument() {
        for (named, path, argument) in [
            ("alarms", "health/checks/alarms", ""),
            ("port-listener", "health/checks/port-listener/{}", "5672"),
            ("aliveness=a b", "aliveness-test/{}", "a b"),
        ] {
            let (check, given) = wanted(named).unwrap();
            assert_eq!((check.path, given.as_str()), (path, argument));
        }
        for (named, why) in [("alarm", "there are alarms, local-alarms"), ("alarms=x", "takes no argument")] {
            let problem = wanted(named).err().unwrap().text;
            assert!(problem.contains(why), "{problem}");
        }
    }
}
