//! Named scenarios: options that make a typical load, which every other option may still change.

use super::options::BenchOptions;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command};

/// Name, what it is like, and the options it stands for.
pub(crate) const SCENARIOS: &[(&str, &str, &str)] = &[
    ("fast", "as many small transient messages as go, acknowledged automatically", ""),
    (
        "safe",
        "persistent messages, confirmed, acknowledged",
        "--size 1KiB --persistent --confirm 1000 --ack-every 100 --prefetch 1000",
    ),
    ("latency", "ten thousand messages a second", "--rate 10000 --size 128"),
    (
        "work-queue",
        "four publishers and eight workers on one queue, each message acknowledged",
        "--publishers 4 --consumers 8 --ack-every 1 --prefetch 20 --confirm 500",
    ),
    (
        "prefetch",
        "eight workers, one of them slow; try --prefetch 1, 10, 50, 200",
        "--consumers 8 --ack-every 1 --prefetch 10 --work 1ms --slow 10 --count 1000",
    ),
    ("fanout", "every message to ten queues", "--exchange fanout --queues 10 --consumers 10"),
    (
        "topic",
        "a thousand patterns, ten queues",
        "--exchange topic --bindings 1000 --queues 10 --consumers 10",
    ),
    (
        "many-queues",
        "a hundred queues, ten publishers",
        "--queues 100 --publishers 10 --consumers 100 --consumer-connections 10",
    ),
    ("large", "bodies of a MiB, confirmed", "--size 1MiB --confirm 20 --ack-every 1 --prefetch 20"),
];

/// The words of a scenario.
///
/// # Errors
/// There is none of that name.
pub(crate) fn words(name: &str) -> Result<Vec<String>, String> {
    let found = SCENARIOS.iter().find(|(known, ..)| *known == name);
    let names = || SCENARIOS.iter().map(|(name, ..)| *name).collect::<Vec<_>>().join(", ");
    let (.., words) = found.ok_or_else(|| format!("there is no scenario `{name}`; there are {}", names()))?;
    Ok(words.split_whitespace().map(str::to_owned).collect())
}

/// What the command line says, put behind the words of the scenario that it names.
///
/// # Errors
/// There is no such scenario.
pub(crate) fn applied(matches: &ArgMatches) -> Result<ArgMatches, String> {
    let Some(name) = matches.get_one::<String>("scenario") else { return Ok(matches.clone()) };
    let command = BenchOptions::augment_args(Command::new("bench")).args_override_self(true);
    let mut all = vec!["bench".to_owned()];
    all.extend(words(name)?);
    for argument in command.get_arguments() {
        let id = argument.get_id().as_str();
        let is_said = matches.value_source(id) == Some(ValueSource::CommandLine);
        let Some(long) = argument.get_long().filter(|_| is_said) else { continue };
        if argument.get_action().takes_values() {
            let values = matches.get_raw(id).into_iter().flatten();
            all.extend(values.map(|value| format!("--{long}={}", value.to_string_lossy())));
        } else {
            all.push(format!("--{long}"));
        }
    }
    command.try_get_matches_from(all).map_err(|error| error.to_string())
}

/// What `--help` says of them.
pub(crate) fn help() -> String {
    let lines = SCENARIOS.iter().map(|(name, about, words)| {
        let words = if words.is_empty() { String::new() } else { format!("\n              {words}") };
        format!("  {name:<12}{about}{words}\n")
    });
    format!("Scenarios (--scenario NAME; every option may still be changed):\n{}", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use crate::bench::options::parse;

    #[test]
    fn options_win_over_the_scenario() {
        let parsed = |words: &str| parse(words.split_whitespace());
        let safe = parsed("--size 5 --scenario safe --json").unwrap();
        assert_eq!((safe.size.0, safe.confirm, safe.persistent, safe.json), (5, 1000, true, true));
        assert!(parsed("--scenario nothing").unwrap_err().contains("there are fast, safe, latency"));
        for (name, ..) in super::SCENARIOS {
            let options = parsed(&format!("--scenario {name}")).unwrap();
            assert!(crate::bench::plan::Plan::new(options).is_ok(), "{name}");
        }
    }
}
