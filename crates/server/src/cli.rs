//! The command line: what each command is called, and the words of `--help`.

use crate::config::declare::{OptionSpec, Shape};
use crate::config::{Layer, OPTIONS, Origin, Texts};
use crate::{bench, commands};
use crate::{exit, store};
use clap::builder::Styles;
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::ffi::OsString;
use std::fmt::Write;
use std::path::PathBuf;

const ABOUT: &str = "\
A message queue that speaks AMQP 0-9-1 as RabbitMQ does: existing clients, tools and definitions
work with it unchanged. One binary, nothing else to install.";

const FIRST_COMMANDS: &str = "\
First four commands:
  leveret                          start a broker on 127.0.0.1:5672 (the same as `leveret serve`)
  leveret serve --help             every setting: ports, TLS, data folder, limits, logs
  leveret status                   is the broker well, and what does it do
  leveret bench                    measure it: a publisher, a consumer, rates and latencies

Examples:
  leveret serve --memory --amqp 127.0.0.1:0
                                   a broker for a test: any free port, nothing on disk
  leveret serve --amqp 0.0.0.0:5672 --data /var/lib/leveret --log-format json
                                   a broker for other machines (make a user for them: guest is local)
  leveret queues list --sort messages --reverse
                                   the longest queues, of this broker or of any RabbitMQ
  leveret store check /var/lib/leveret
                                   every checksum of a data folder
  leveret bench --rate 10000 --persistent --confirm 1000 --ack-every 100 --prefetch 1000
                                   latency of safe messages at a fixed rate

Any client for RabbitMQ connects with amqp://guest:guest@127.0.0.1:5672/";

/// Arguments as given, with `serve` put in where no command was named: `leveret --memory` starts a broker.
pub(crate) fn with_default_command(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    let first = arguments.get(1).map(|first| first.to_string_lossy().into_owned());
    let about_leveret = ["-h", "--help", "-V", "--version"];
    if first.is_none_or(|first| first.starts_with('-') && !about_leveret.contains(&first.as_str())) {
        arguments.insert(arguments.len().min(1), "serve".into());
    }
    arguments
}

/// The whole command line.
pub(crate) fn command() -> Command {
    Command::new("leveret")
        .version(env!("CARGO_PKG_VERSION"))
        .about(ABOUT)
        .after_help(FIRST_COMMANDS)
        .styles(Styles::plain())
        .max_term_width(100)
        .subcommand_required(true)
        .disable_help_subcommand(true)
        .override_usage("leveret [COMMAND] [OPTIONS]")
        .subcommand(serve())
        .subcommand(bench::command())
        .subcommands(commands::all())
        .subcommand(store::command())
}

fn serve() -> Command {
    let mut exits = String::from("Exit codes:\n");
    for (code, meaning) in exit::TABLE {
        let _ = writeln!(exits, "  {code:<9} {meaning}");
    }
    Command::new("serve")
        .about("Start the broker (what `leveret` alone does)")
        .long_about(
            "Start the broker.\n\nEvery option is also a key in leveret.toml (`--frame-max` is `frame_max`) and an \
             environment variable (`LEVERET_FRAME_MAX`). A flag wins over the environment, the environment over the \
             file, the file over the default. Sizes are written 128KiB or 16MiB, times 500ms, 30s or 5m.\n\n\
             SIGTERM or Ctrl-C stops: no new connections, consumers are cancelled, deliveries under way get \
             `--shutdown-deadline` to be settled. A second one stops at once. SIGHUP reads the TLS certificates again.",
        )
        .after_help(exits.trim_end().to_owned())
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .value_parser(clap::value_parser!(PathBuf))
                .help("Reads settings from this file [default: leveret.toml, then /etc/leveret/leveret.toml, if there]")
                .help_heading("Configuration"),
        )
        .args(OPTIONS.iter().map(argument))
}

fn argument(option: &OptionSpec) -> Arg {
    let default = match (option.shape, option.default) {
        (Shape::Switch, _) | (_, "") => String::new(),
        (_, default) => format!(" [default: {default}]"),
    };
    let argument = Arg::new(option.key)
        .long(option.flag())
        .value_name(option.value_name)
        .help(format!("{}{default}", option.summary()))
        .long_help(format!("{}{default}", option.paragraphs().join("\n\n")))
        .help_heading(option.section)
        .hide_default_value(true);
    match option.shape {
        Shape::One => argument.action(ArgAction::Set).allow_hyphen_values(true),
        Shape::Many => argument.action(ArgAction::Append),
        Shape::Switch => {
            argument.action(ArgAction::Set).num_args(0..=1).require_equals(true).default_missing_value("true")
        }
    }
}

/// What the flags of `leveret serve` say.
pub(crate) fn flags(matches: &ArgMatches) -> Layer {
    let mut layer = Layer::new();
    for option in OPTIONS {
        if let Some(values) = matches.get_many::<String>(option.key) {
            let texts = values.cloned().collect();
            layer.insert(option.key, Texts { texts, origin: Origin::Flag(option.flag()) });
        }
    }
    layer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn help_of(arguments: &[&str]) -> String {
        let error = command().term_width(100).try_get_matches_from(arguments).unwrap_err();
        assert_eq!(error.kind(), clap::error::ErrorKind::DisplayHelp);
        error.to_string()
    }

    #[test]
    fn help_texts() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/help");
        for (file, arguments) in [
            ("leveret", &["leveret", "--help"][..]),
            ("serve", &["leveret", "serve", "--help"]),
            ("serve-short", &["leveret", "serve", "-h"]),
            ("bench", &["leveret", "bench", "--help"]),
            ("store", &["leveret", "store", "--help"]),
        ] {
            crate::expect_file(&format!("{folder}/{file}.txt"), &help_of(arguments));
        }
    }

    #[test]
    fn every_command_has_examples() {
        let mut whole = command();
        whole.build();
        let mut waiting: Vec<&Command> = whole.get_subcommands().collect();
        while let Some(command) = waiting.pop() {
            waiting.extend(command.get_subcommands());
            let is_leaf = command.get_subcommands().next().is_none();
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            // `serve` has its examples at the top.
            let is_told = help.contains("Examples:\n") || command.get_name() == "serve";
            assert!(is_told || !is_leaf, "{}", command.get_bin_name().unwrap_or_default());
        }
    }

    #[test]
    fn the_reference_page_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/cli.md");
        crate::expect_file(path, &crate::reference::page());
    }

    #[test]
    fn serve_is_the_default_command() {
        let completed = |given: &[&str]| {
            with_default_command(given.iter().map(OsString::from))
                .iter()
                .map(|argument| argument.to_string_lossy().into_owned())
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(completed(&["leveret"]), "leveret serve");
        assert_eq!(completed(&["leveret", "--memory"]), "leveret serve --memory");
        assert_eq!(completed(&["leveret", "--help"]), "leveret --help");
        assert_eq!(completed(&["leveret", "bench", "--json"]), "leveret bench --json");
    }

    #[test]
    fn flags_become_a_layer() {
        let given = ["leveret", "serve", "--memory", "--amqp", "a:1", "--amqp", "b:2", "--frame-max=8KiB"];
        let matches = command().try_get_matches_from(given).unwrap();
        let layer = flags(matches.subcommand_matches("serve").unwrap());
        let texts = |key: &str| layer.get(key).map(|said| said.texts.join(" "));
        assert_eq!(texts("memory").as_deref(), Some("true"));
        assert_eq!(texts("amqp").as_deref(), Some("a:1 b:2"));
        assert_eq!(texts("frame_max").as_deref(), Some("8KiB"));
        assert_eq!(texts("heartbeat"), None);
    }
}
