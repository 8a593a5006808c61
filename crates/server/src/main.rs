//! The `leveret` binary: a message broker, and the commands a person types around it.
//!
//! `serve` is the default command. Settings come from flags, environment and file (`config`), the broker itself
//! from `leveret-broker`; what lives here is wiring, words for people, and the load generator (`bench`).

mod amqp;
mod amqp_url;
mod bench;
mod cli;
mod client_file;
mod commands;
mod config;
mod exit;
mod failure;
mod http;
mod login;
mod output;
#[cfg(test)]
mod reference;
mod serve;
mod store;

use std::process::ExitCode;
use std::time::Instant;

/// Connections, messages and deliveries are small blocks that move between threads, which mimalloc does best.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let started = Instant::now();
    let arguments = cli::with_default_command(std::env::args_os());
    let matches = match cli::command().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => {
            // Help and version go to stdout with code 0, mistakes to stderr with code 2. A closed pipe is no mistake.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { exit::USAGE } else { exit::OK });
        }
    };
    let code = match matches.subcommand() {
        Some(("bench", matches)) => bench::run(matches),
        Some(("store", matches)) => store::run(matches),
        Some(("serve", matches)) => serve::run(matches, started),
        Some((name, matches)) => commands::run(name, matches).unwrap_or(exit::USAGE),
        None => exit::USAGE,
    };
    ExitCode::from(code)
}

/// Compares a file with what the code says now, or writes it when `UPDATE_EXPECT` is set.
#[cfg(test)]
fn expect_file(path: &str, actual: &str) {
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::create_dir_all(std::path::Path::new(path).parent().unwrap()).unwrap();
        std::fs::write(path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        expected == actual,
        "{path} is stale; UPDATE_EXPECT=1 cargo test -p leveret-server writes it anew. It should be:\n{actual}"
    );
}
