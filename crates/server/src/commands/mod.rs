//! The commands that talk to a running broker, Leveret or RabbitMQ, over its HTTP API or AMQP.
//!
//! Each is a small program: options in, requests out, a table or JSON back. They are made only when they are asked for, so that
//! `leveret serve` does not pay for them.

mod args;
mod bindings;
mod browse;
mod completions;
mod connections;
mod consume;
mod consumers;
mod definitions;
mod exchanges;
mod get;
mod health;
mod limits;
mod list;
mod messages;
mod migrate;
mod noun;
mod own;
mod parameters;
mod permissions;
mod policies;
mod publish;
mod queues;
mod schedules;
mod shovels;
mod status;
mod sweeps;
mod top;
mod trace;
mod users;
mod vhosts;

use crate::exit;
use crate::failure::Outcome;
use clap::{ArgMatches, Args, Command, FromArgMatches, Subcommand};
use std::io::Write;

/// A command: its name, what it is for, its options, and what it does.
pub(crate) struct Entry {
    name: &'static str,
    about: &'static str,
    build: fn(Command) -> Command,
    run: fn(&ArgMatches) -> Outcome,
}

/// A command with commands of its own (`leveret queues list`).
const fn group<T: Subcommand + FromArgMatches + Runs>(name: &'static str, about: &'static str) -> Entry {
    Entry {
        name,
        about,
        build: |command| {
            T::augment_subcommands(command.subcommand_required(true).arg_required_else_help(true))
        },
        run: |matches| {
            T::from_arg_matches(matches)
                .map_err(|error| crate::failure::Failure::usage(error.to_string()))?
                .run()
        },
    }
}

/// The options of a command that does one thing, under what the list of commands says of it (clap would put the type's comment there).
fn options<T: Args>(command: Command) -> Command {
    let about = command.get_about().cloned().unwrap_or_default();
    T::augment_args(command).about(about)
}

/// A command that does one thing.
const fn single<T: Args + FromArgMatches + Runs>(
    name: &'static str,
    about: &'static str,
    build: fn(Command) -> Command,
) -> Entry {
    Entry {
        name,
        about,
        build,
        run: |matches| {
            T::from_arg_matches(matches)
                .map_err(|error| crate::failure::Failure::usage(error.to_string()))?
                .run()
        },
    }
}

/// What parsed options can do.
pub(crate) trait Runs {
    /// Does it; the exit code.
    fn run(self) -> Outcome;
}

/// Every command of this folder, in the order of the help.
pub(crate) const ENTRIES: &[Entry] = &[
    single::<status::Status>(
        "status",
        "Show on one screen whether the broker is well and what it does",
        |command| options::<status::Status>(command).after_help(status::EXAMPLES),
    ),
    single::<top::Top>("top", "Watch queues, connections and rates on a live screen", |command| {
        options::<top::Top>(command).after_help(top::EXAMPLES)
    }),
    single::<health::Health>(
        "health",
        "Do the broker's health checks; the exit code says whether all is well",
        |command| options::<health::Health>(command).after_help(health::EXAMPLES),
    ),
    single::<publish::Publish>(
        "publish",
        "Publish messages from arguments, files or stdin, confirmed",
        |command| options::<publish::Publish>(command).after_help(publish::EXAMPLES),
    ),
    single::<consume::Consume>("consume", "Follow a queue: messages to stdout or into files", |command| {
        options::<consume::Consume>(command).after_help(consume::EXAMPLES)
    }),
    single::<get::Get>("get", "Get a few messages from a queue", |command| {
        options::<get::Get>(command).after_help(get::EXAMPLES)
    }),
    single::<browse::Browse>("browse", "Look at messages where they lie, without touching them", |command| {
        options::<browse::Browse>(command).after_help(browse::EXAMPLES)
    }),
    single::<sweeps::Replay>(
        "replay",
        "Send messages of a dead-letter queue back to where they came from",
        |command| options::<sweeps::Replay>(command).after_help(sweeps::REPLAY),
    ),
    single::<sweeps::Move>("move", "Move messages from one queue to another", |command| {
        options::<sweeps::Move>(command).after_help(sweeps::MOVE)
    }),
    single::<sweeps::Copy>("copy", "Copy messages from one queue to another", |command| {
        options::<sweeps::Copy>(command).after_help(sweeps::COPY)
    }),
    group::<sweeps::Sweeps>("sweeps", "List, show and end replays, moves and copies"),
    group::<schedules::Schedules>("schedules", "List, cancel and send messages that delayed exchanges hold"),
    group::<shovels::Shovels>(
        "shovels",
        "List, declare, restart and delete shovels, which carry messages to other brokers",
    ),
    single::<trace::Trace>(
        "trace",
        "Follow messages through a virtual host as they are published and delivered",
        |command| options::<trace::Trace>(command).after_help(trace::EXAMPLES),
    ),
    group::<queues::Queues>("queues", "List, show, declare, purge and delete queues"),
    group::<exchanges::Exchanges>("exchanges", "List, show, declare and delete exchanges"),
    group::<bindings::Bindings>("bindings", "List, declare and delete bindings"),
    group::<connections::Connections>("connections", "List, show and close connections"),
    group::<connections::Channels>("channels", "List and show channels"),
    group::<consumers::Consumers>("consumers", "List consumers"),
    group::<vhosts::Vhosts>("vhosts", "List, show, declare and delete virtual hosts"),
    group::<users::Users>("users", "List, show, set and delete users"),
    group::<permissions::Permissions>("permissions", "List, show, set and delete permissions"),
    group::<permissions::TopicPermissions>(
        "topic-permissions",
        "List, show, set and delete permissions on topic exchanges",
    ),
    group::<policies::Policies>("policies", "List, show, set and delete policies"),
    group::<policies::OperatorPolicies>("operator-policies", "List, show, set and delete operator policies"),
    group::<parameters::Parameters>("parameters", "List, show, set and delete parameters of a virtual host"),
    group::<parameters::GlobalParameters>(
        "global-parameters",
        "List, show, set and delete parameters of the whole broker",
    ),
    group::<limits::Limits>("limits", "List, set and delete limits of virtual hosts and users"),
    group::<definitions::Definitions>(
        "definitions",
        "Export, import and compare everything that is declared",
    ),
    single::<migrate::Migrate>(
        "migrate",
        "Move definitions and messages to another broker, Leveret's or RabbitMQ's",
        |command| options::<migrate::Migrate>(command).after_help(migrate::EXAMPLES),
    ),
    single::<completions::Completions>(
        "completions",
        "Print a script with which a shell completes these commands",
        |command| options::<completions::Completions>(command).after_help(completions::EXAMPLES),
    ),
];

/// The commands with their help.
pub(crate) fn all() -> impl Iterator<Item = Command> {
    ENTRIES.iter().map(|entry| {
        let command = Command::new(entry.name).about(entry.about).disable_help_subcommand(true);
        command.defer(entry.build)
    })
}

/// Runs one by name; `None` when it is none of these.
pub(crate) fn run(name: &str, matches: &ArgMatches) -> Option<u8> {
    let entry = ENTRIES.iter().find(|entry| entry.name == name)?;
    Some((entry.run)(matches).unwrap_or_else(|failure| {
        let _ = writeln!(std::io::stderr(), "leveret {name}: {failure}");
        failure.code
    }))
}

/// Done.
pub(crate) const DONE: Outcome = Ok(exit::OK);
