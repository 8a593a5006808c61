//! `leveret bench`: a load generator that is not the bottleneck.
//!
//! Threads with blocking or polled sockets, frames encoded once, large reads and writes. It speaks to any
//! AMQP 0-9-1 broker.

mod batch;
mod buffer;
mod chart;
mod clock;
mod compare;
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
mod scenario;
mod table;
mod topology;
pub(crate) mod words;

use crate::amqp_url::AmqpUrl;
use crate::exit;
use clap::ArgMatches;
use options::BenchOptions;
use plan::Plan;
use report::Report;
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
    let (names, reports) = match measured(&plan, &interrupted) {
        Ok(measured) => measured,
        Err(problem) => return complain(&problem, exit::FAILURE),
    };
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    if let Some(file) = &plan.options.report
        && let Err(error) = std::fs::write(file, chart::page(&names, &reports))
    {
        return complain(&format!("{}: {error}", file.display()), exit::FAILURE);
    }
    let text = match (plan.options.json, &reports[..], &names[..]) {
        (true, [one], _) => serde_json::to_string(one).map(|json| json + "\n"),
        (true, all, _) => serde_json::to_string(all).map(|json| json + "\n"),
        (false, [first, second], [one, two]) => Ok(compare::table([one, two], first, second)),
        (false, all, _) => Ok(all.iter().map(Report::table).collect()),
    };
    let text = match text {
        Ok(text) => text,
        Err(error) => return complain(&error.to_string(), exit::FAILURE),
    };
    // A reader that has gone, as `head` does, is no failure.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
    exit::OK
}

/// Runs against the broker, and against the other if there is one; each with its address.
fn measured(plan: &Plan, interrupted: &AtomicBool) -> Result<(Vec<String>, Vec<Report>), String> {
    let name = |url: &AmqpUrl| format!("{}:{}", url.host, url.port);
    let mut names = vec![name(&plan.options.url)];
    let mut reports = vec![run::run(plan, interrupted)?];
    if let Some(other) = plan.options.compare.clone().filter(|_| !interrupted.load(Relaxed)) {
        names.push(name(&other));
        // A process that was named is the first broker's.
        let options = BenchOptions { url: other, pid: None, ..plan.options.clone() };
        reports.push(run::run(&Plan::new(options)?, interrupted)?);
    }
    Ok((names, reports))
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
