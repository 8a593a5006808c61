//! Proves that a broker keeps its promises when it is killed, or loses its power, under load.
//!
//! `leveret-kill kill|power BROKER [OPTION]...` starts the binary `BROKER` on a data folder, publishes and consumes over many
//! connections, kills it at a random moment, starts it on what is left, and goes on. The [`ledger`] knows what was promised and
//! what came.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks through them")]

mod broker;
mod client;
mod drain;
mod ledger;
mod message;
mod options;
mod power;
mod random;
mod rounds;
mod topology;
mod work;

use broker::Starter;
use options::{Options, USAGE};
use power::PowerDisk;
use random::Random;
use std::io::IsTerminal as _;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Instant, SystemTime};

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("{problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("leveret-kill: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// `true`: every promise was kept.
fn run(options: &Options) -> Result<bool, String> {
    let say = |error: std::io::Error| error.to_string();
    let began = Instant::now();
    let seed = options.seed.unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        random::mix(now.as_nanos() as u64) % 1_000_000
    });
    let folder = tempfile::tempdir().map_err(say)?;
    let data = folder.path().join("data");
    std::fs::create_dir(&data).map_err(say)?;
    let disk = if options.power { Some(mount(&data, seed)?) } else { None };
    let binary = std::fs::canonicalize(&options.binary)
        .map_err(|error| format!("{}: {error}", options.binary.display()))?;
    let starter = Starter { binary, data: data.clone(), log: folder.path().join("broker.log") };
    let kind = if options.power { "power failures" } else { "kills" };
    println!("{}: {} rounds with {kind}, seed {seed}", options.binary.display(), options.rounds);
    let outcome = rounds::run(options, &starter, disk.as_ref(), seed);
    if std::io::stderr().is_terminal() {
        eprintln!();
    }
    let totals = outcome.totals;
    println!(
        "{} rounds in {} s: {} messages published, {} confirmed, {} deliveries, {} of them again, {} settled (of {} a \
         return would have been noticed), {} dead letters, {} transactions; {} changes of definitions, {} looked for; \
         slowest start {} ms",
        outcome.rounds,
        began.elapsed().as_secs(),
        totals.published,
        totals.confirmed,
        totals.delivered,
        totals.redelivered,
        totals.settled,
        totals.proven,
        totals.dead,
        totals.transactions,
        outcome.definitions.0,
        outcome.definitions.1,
        outcome.slowest_start.as_millis()
    );
    if outcome.report.is_empty() {
        println!("every promise was kept");
        return Ok(true);
    }
    println!("\nFAILED: {}", outcome.report);
    if let Some(keep) = &options.keep {
        match keep_files(&data, &starter.log, keep) {
            Ok(()) => println!("data folder and log are in {}", keep.display()),
            Err(problem) => println!("could not keep the data folder: {problem}"),
        }
    }
    Ok(false)
}

fn keep_files(data: &Path, log: &Path, keep: &Path) -> Result<(), String> {
    std::fs::create_dir_all(keep).map_err(|error| error.to_string())?;
    let copied = Command::new("cp").arg("-r").arg(data).arg(log).arg(keep).status();
    match copied.map_err(|error| error.to_string())? {
        status if status.success() => Ok(()),
        status => Err(format!("cp: {status}")),
    }
}

/// Mounts the disk, after having shown that one works as it should.
fn mount(at: &Path, seed: u64) -> Result<PowerDisk, String> {
    const ADVICE: &str = "the power-loss suite needs root, the device /dev/fuse (modprobe fuse; in a container: --device \
                          /dev/fuse --cap-add SYS_ADMIN), or fusermount3 (apt-get install fuse3)";
    if !Path::new("/dev/fuse").exists() {
        return Err(format!("there is no /dev/fuse: {ADVICE}"));
    }
    power::check(at).map_err(|error| format!("the disk of our own does not work: {error}; {ADVICE}"))?;
    PowerDisk::mount(at, Random::new(seed).split(99)).map_err(|error| format!("mounting: {error}; {ADVICE}"))
}
