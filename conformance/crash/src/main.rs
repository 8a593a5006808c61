//! `leveret-crash`: the power-cut and disk-fault suites of the store, on a disk in memory. See `--help`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks through them")]
#![allow(clippy::cast_possible_truncation, reason = "numbers are small here, and 64 bits wide")]

mod arguments;

use arguments::{Arguments, HELP};
use indicatif::{ProgressBar, ProgressStyle};
use leveret_crash::suite::{Failure, Watch};
use std::process::ExitCode;
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(text) if text == HELP => {
            println!("{text}");
            return ExitCode::SUCCESS;
        }
        Err(text) => {
            eprintln!("{text}");
            return ExitCode::from(2);
        }
    };
    let began = Instant::now();
    match run(&arguments) {
        Ok(()) => {
            println!("all is well; {} s", began.elapsed().as_secs());
            ExitCode::SUCCESS
        }
        Err(failure) => {
            println!("FAILED: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Arguments { seed, cuts, faults, damages, dedup, threads, .. } = *arguments;
    if let Some(case) = arguments.one_cut {
        return with_bar(1, "power cut", |watch| watch.one_cut(case));
    }
    if let Some(case) = arguments.one_fault {
        let suffered = with_bar(1, "disk fault", |watch| watch.one_fault(case))?;
        println!("the call that suffered: {suffered:?}");
        return Ok(());
    }
    if let Some(case) = arguments.one_damage {
        return with_bar(1, "damage", |watch| watch.one_damage(case));
    }
    if damages > 0 {
        let count = with_bar(damages, "damages", |watch| watch.damages(seed, damages, threads))?;
        println!("{count} damages to files; workloads from seed {seed} on");
    }
    if faults > 0 {
        let count = with_bar(faults, "disk faults", |watch| watch.faults(seed, faults, threads))?;
        println!(
            "{count} disk faults, each at another call or of another kind; workloads from seed {seed} on"
        );
    }
    if dedup > 0 {
        let tally = with_bar(dedup, "power cuts with duplicates", |watch| watch.dedup(seed, dedup, threads))?;
        println!(
            "{} power cuts under brokers that drop duplicates, in {} workloads from seed {seed} on; {} messages sent again after them",
            tally.cuts, tally.workloads, tally.resent
        );
    }
    if cuts > 0 {
        let tally = with_bar(cuts, "power cuts", |watch| watch.cuts(seed, cuts, threads))?;
        println!(
            "{} power cuts in {} workloads from seed {seed} on; {} starts on what was left, {} cuts more during those and after them",
            tally.cuts, tally.workloads, tally.starts, tally.second_cuts
        );
        let kept = tally.kept;
        println!(
            "the workloads began {} log files ({} of them reused), sealed {}, moved {} KiB, made {} checkpoints",
            kept.begun,
            kept.reused,
            kept.sealed,
            kept.moved_bytes / 1024,
            kept.checkpoints
        );
    }
    Ok(())
}

/// A moving bar on terminals; nothing elsewhere.
fn with_bar<T>(
    len: u64,
    what: &'static str,
    work: impl FnOnce(&Watch<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let bar = ProgressBar::new(len).with_message(what);
    if let Ok(style) =
        ProgressStyle::with_template("{msg} {bar:40} {human_pos}/{human_len}  {elapsed}, {eta} to go")
    {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    let result = work(&Watch::new(&|more| bar.inc(more), &|failure| {
        bar.finish_and_clear();
        println!("FAILED: {failure}");
        std::process::exit(1);
    }));
    bar.finish_and_clear();
    result
}
