//! Misuses a running broker on purpose and prints what came of it: what the peer got, whether others were served, and
//! whether the memory came back.
//!
//! `leveret-faults BROKER [WORD]...` starts the binary `BROKER` on a free port and goes through all faults, or through those
//! whose name contains one of the words.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks through them")]

mod arena;
mod broker;
mod bystander;
mod client;
mod faults;
mod table;

use arena::Arena;
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(binary) = arguments.next() else {
        eprintln!("usage: leveret-faults BROKER [WORD]...");
        return ExitCode::from(2);
    };
    let words: Vec<String> = arguments.collect();
    match run(&binary, &words) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("leveret-faults: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// `true`: all faults ended as they should.
fn run(binary: &str, words: &[String]) -> Result<bool, String> {
    let began = Instant::now();
    let mut arena = Arena::start(binary).map_err(|error| format!("{binary}: {error}"))?;
    println!("{binary}, process {}, {}\n", arena.broker.pid(), arena.broker.address);
    table::head();
    let chosen =
        faults::ALL.iter().filter(|f| words.is_empty() || words.iter().any(|word| f.name.contains(&**word)));
    let (mut count, mut failed) = (0, 0);
    for fault in chosen {
        let row = arena.commit(fault);
        count += 1;
        failed += usize::from(row.problem.is_some());
        table::row(&row);
    }
    let together = arena.all_together();
    failed += usize::from(together.problem.is_some());
    table::row(&together);
    println!("\n{count} faults, {failed} of them not as it should be; {} s", began.elapsed().as_secs());
    println!(
        "MiB: resident memory before, at most, after, when others have used the broker; it may be {} higher than before",
        arena::MARGIN_MIB
    );
    if failed > 0 {
        println!("end of the broker's log:\n{}", arena.broker.log_end());
    }
    Ok(failed == 0 && count > 0)
}
