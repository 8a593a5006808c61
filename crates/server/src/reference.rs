//! Writes `docs/reference/cli.md` from the help of every command; a test keeps the page fresh.

use crate::cli;
use clap::Command;
use std::fmt::Write;

const INTRODUCTION: &str = "\
<!-- Generated from the help of the commands; `UPDATE_EXPECT=1 cargo test -p leveret-server` writes it anew. -->

# Command line

`leveret serve` is the broker, and its settings are in [configuration.md](configuration.md). Every other command talks to a running
broker, Leveret or RabbitMQ, over RabbitMQ's HTTP API (`--http`) or AMQP (`--url`); `store` reads a data folder.

Which broker is meant: a flag wins over the environment, the environment over the file.

| flag | environment | `client.toml` | default |
|---|---|---|---|
| `--http` | `LEVERET_HTTP` | `http` | `http://guest:guest@127.0.0.1:15672` |
| `--url` | `LEVERET_URL` | `url` | `amqp://guest:guest@127.0.0.1:5672/` |
| `--user` | `LEVERET_USER` | `user` | the URL's |
| `--password` | `LEVERET_PASSWORD` | `password` | the URL's |
| `--vhost` | `LEVERET_VHOST` | `vhost` | `/`, or the URL's; lists show all |
| `--ca-file` | `LEVERET_CA_FILE` | `ca_file` | the authorities the operating system trusts |

The file is `leveret/client.toml` in `$XDG_CONFIG_HOME` or `~/.config`, or the one that `LEVERET_CLIENT_CONFIG` names; an unknown key
in it is an error. A proxy for the web is not asked.

Tables are for people, `--json` is for programs: it is what the broker answered, on one line where stdout is no terminal. Colours
and progress are shown on terminals only; `NO_COLOR` switches colours off. Characters that would command a terminal are written out.

Exit codes: 0 done, 1 not done, a failed health check or a difference, 2 a wrong command line or client file.
";

/// The whole page.
pub(crate) fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    let mut whole = cli::command().term_width(100);
    whole.build();
    for command in whole.get_subcommands_mut() {
        section(&mut page, command);
    }
    page
}

fn section(page: &mut String, command: &mut Command) {
    let name = command.get_bin_name().unwrap_or_default().to_owned();
    // It has a page of its own.
    if name == "leveret serve" {
        return;
    }
    if command.get_subcommands().next().is_none() {
        let help = command.render_help().to_string();
        let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
        let _ = write!(page, "\n## {name}\n\n```text\n{}\n```\n", lines.join("\n").trim_end());
        return;
    }
    for inner in command.get_subcommands_mut() {
        section(page, inner);
    }
}
