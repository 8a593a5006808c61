//! `leveret bench`: a load generator that is not the bottleneck.
//!
//! Threads with blocking or polled sockets, frames encoded once, large reads and writes. It speaks to any
//! AMQP 0-9-1 broker.

mod batch;
mod buffer;
mod clock;
mod confirms;
mod connection;
mod consumer;
mod counters;
mod latency;
mod options;
mod pace;
mod plan;
mod process;
mod progress;
mod publisher;
mod ready;
mod report;
mod run;
mod table;
mod topology;
pub(crate) mod words;

use crate::exit;
use clap::ArgMatches;
use plan::Plan;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

pub(crate) use options::command;

/// Runs the benchmark and prints its result; the exit code.
pub(crate) fn run(matches: &ArgMatches) -> u8 {
    let plan = match options::from_matches(matches).and_then(Plan::new) {
        Ok(plan) => plan,
        Err(problem) => return complain(&problem, exit::USAGE),
    };
    let interrupted = Arc::new(AtomicBool::new(false));
    watch_for_interrupt(Arc::clone(&interrupted));
    let report = match run::run(&plan, &interrupted) {
        Ok(report) => report,
        Err(problem) => return complain(&problem, exit::FAILURE),
    };
    let text = if plan.options.json {
        match serde_json::to_string(&report) {
            Ok(json) => json + "\n",
            Err(error) => return complain(&error.to_string(), exit::FAILURE),
        }
    } else {
        report.table()
    };
    // A reader that has gone, as `head` does, is no failure.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
    exit::OK
}

/// Ctrl-C ends the measurement, shows what there is and deletes the queues; a second one ends everything.
fn watch_for_interrupt(interrupted: Arc<AtomicBool>) {
    let watch = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            tokio::signal::ctrl_c().await?;
            interrupted.store(true, Relaxed);
            tokio::signal::ctrl_c().await
        })?;
        std::process::exit(i32::from(exit::SIGNAL + 2));
        #[allow(unreachable_code, reason = "gives the closure its type")]
        std::io::Result::Ok(())
    };
    // Without the watch Ctrl-C ends the process the usual way, which is no reason not to measure.
    let _ = std::thread::Builder::new().name("interrupt".into()).spawn(watch);
}

fn complain(problem: &str, code: u8) -> u8 {
    let _ = writeln!(std::io::stderr(), "leveret bench: {problem}");
    code
}
