//! `cargo run -p xtask -- COMMAND`: the project's automation.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks through them")]

use std::process::ExitCode;

const USAGE: &str = "\
cargo run -p xtask -- generate           write crates/protocol/src/generated from crates/protocol/spec
cargo run -p xtask -- generate --check   only say whether it is up to date
cargo run -p xtask -- links              whether relative links in *.md lead to files and headings that are there";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["generate"] => xtask::generate::write(),
        ["generate", "--check"] => xtask::generate::check(),
        ["links"] => xtask::links::check(),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}
