//! Random conversations with RabbitMQ and with this broker, answers compared: see `conformance/beside/run --help`.
//!
//! A seed makes a script; both brokers are told it step by step. What they answer has to be the same, but for what `known` lists.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks through them")]

mod held;
mod known;
mod names;
mod options;
mod peer;
mod random;
mod render;
mod script;
mod shrink;
mod side;

use held::{Entry, Held, hold};
use known::KNOWN;
use options::{Options, USAGE};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

/// How long both have to come to agree on a step.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long scripts that differ are shortened, all in all, unless `--shrink` says otherwise.
const SHRINK: Duration = Duration::from_secs(60);
/// How often a script that differs is held again.
const AGAIN: usize = 2;
/// One script in so many may depend on a moment.
const MOMENTS: u64 = 20;

fn main() -> ExitCode {
    let seed =
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(1, |since| since.as_secs() * 1000);
    if std::env::args().any(|word| word == "--help" || word == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    match Options::parse(std::env::args().skip(1), seed) {
        Ok(options) => run(&options),
        Err(error) => {
            eprintln!("{error}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options) -> ExitCode {
    let began = Instant::now();
    let mut shown = vec![0u64; KNOWN.len()];
    let (mut scripts, mut steps, mut failures, mut moments) = (0, 0, 0, 0);
    println!("seed {}", options.seed);
    while scripts < options.rounds
        && began.elapsed().as_secs() < options.seconds
        && failures < options.failures
    {
        let seed = options.seed + scripts;
        let script = script::script(seed);
        scripts += 1;
        let Ok(held) = catch_unwind(AssertUnwindSafe(|| hold(&script, &options.targets, PATIENCE))) else {
            println!("== script {seed} could not be held; see above");
            failures += 1;
            continue;
        };
        steps += held.entries.len();
        if scripts.is_multiple_of(100) {
            println!("{scripts} scripts, {} s", began.elapsed().as_secs());
        }
        if options.verbose {
            println!("== script {seed}");
            held.entries.iter().for_each(print);
        }
        let Some(last) = held.entries.last().filter(|_| held.differs) else { continue };
        if let Some(known) = known::which(last) {
            shown[known] += 1;
            continue;
        }
        if !differs_again(&script, options) {
            moments += 1;
            println!("== script {seed} differed once, at step {}, and not again:", held.entries.len());
            print(last);
            continue;
        }
        failures += 1;
        report(options, seed, &script, held);
    }
    println!(
        "{scripts} scripts, {steps} steps, {} s; {failures} differ, {moments} differed once and not again",
        began.elapsed().as_secs()
    );
    for (known, shown) in KNOWN.iter().zip(&shown) {
        println!("{shown:6} {}: {}", known.name, known.reason);
    }
    let many = moments > 1 + scripts / MOMENTS;
    if many {
        println!("too many differed once: something depends on a moment that should not");
    }
    if failures == 0 && !many { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whether a script that differed does so each time: what one of the brokers does on several processors at once may come out either way.
fn differs_again(script: &[script::Step], options: &Options) -> bool {
    (0..AGAIN).all(|_| {
        let held = catch_unwind(AssertUnwindSafe(|| hold(script, &options.targets, PATIENCE)));
        held.map_or(true, |held| {
            held.differs && held.entries.last().is_some_and(|last| known::which(last).is_none())
        })
    })
}

/// Shortens a script that differs, and prints it with what both said.
fn report(options: &Options, seed: u64, script: &[script::Step], held: Held) {
    println!("== script {seed} differs at step {}:", held.entries.len());
    held.entries.last().into_iter().for_each(print);
    println!("== shortened:");
    let until = (!options.shrink)
        .then(|| Instant::now() + SHRINK / u32::try_from(options.failures).unwrap_or(u32::MAX).max(1));
    let whole = held.clone();
    let shrunk = catch_unwind(AssertUnwindSafe(|| shrink::shrink(script, held, &options.targets, until)));
    let (_, held) = shrunk.unwrap_or((script.to_vec(), whole));
    held.entries.iter().for_each(print);
    println!("== again: conformance/beside/run --seed {seed} --rounds 1\n");
}

/// A step and what came: what both said once, then what only one of them said.
fn print(entry: &Entry) {
    println!("  > {}", entry.step);
    let [theirs, ours] = &entry.lines;
    if theirs == ours {
        theirs.iter().for_each(|line| println!("        both < {line}"));
        return;
    }
    for line in theirs {
        println!("  {}< {line}", if ours.contains(line) { "      both " } else { "** RabbitMQ " });
    }
    ours.iter().filter(|line| !theirs.contains(line)).for_each(|line| println!("  **  Leveret < {line}"));
    if !theirs.iter().any(|line| !ours.contains(line)) && !ours.iter().any(|line| !theirs.contains(line)) {
        ours.iter().for_each(|line| println!("  (in this order) Leveret < {line}"));
    }
}
