//! `leveret serve`: read the settings, start the broker, say so, wait for a signal, stop in order.

mod banner;
mod failure;
mod logging;
mod memory;
mod open_files;
mod signals;
mod start;
mod telemetry;

use crate::config::{self, Loaded};
use crate::{cli, exit};
use banner::Banner;
use clap::ArgMatches;
use leveret_telemetry::Telemetry;
use signals::{Signal, Signals};
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Runs the broker until it is told to stop; the exit code.
pub(crate) fn run(matches: &ArgMatches, started: Instant) -> u8 {
    let file = matches.get_one::<PathBuf>("config").cloned();
    // A variable that is not UTF-8 cannot be one of ours.
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let loaded = match config::load(cli::flags(matches), file, variables) {
        Ok(loaded) => loaded,
        Err(error) => {
            complain(&error.to_string());
            return exit::USAGE;
        }
    };
    let telemetry = match telemetry::prepare(&loaded.settings) {
        Ok(telemetry) => telemetry,
        Err(error) => {
            complain(&error);
            return exit::USAGE;
        }
    };
    logging::start(&loaded.settings, telemetry.as_ref().and_then(Telemetry::log_layer));
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    open_files::raise_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(loaded.settings.worker_threads.count())
        .thread_name("leveret")
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("cannot start threads: {error}"));
            return exit::FAILURE;
        }
    };
    let code = runtime.block_on(serve(loaded, telemetry, started));
    // Nothing may hold up the end: what is still running was either told to stop or is not worth waiting for.
    runtime.shutdown_timeout(Duration::from_millis(100));
    code
}

async fn serve(loaded: Loaded, telemetry: Option<Telemetry>, started: Instant) -> u8 {
    let mut signals = match Signals::install() {
        Ok(signals) => signals,
        Err(error) => {
            complain(&format!("cannot listen for signals: {error}"));
            return exit::FAILURE;
        }
    };
    let settings = &loaded.settings;
    let running = tokio::select! {
        running = start::start(settings, telemetry) => running,
        signal = signals.next_stop() => return exit::SIGNAL + signal.number(),
    };
    let running = match running {
        Ok(running) => running,
        Err(failure) => {
            complain(&failure);
            return exit::FAILURE;
        }
    };
    tokio::spawn(memory::give_back());
    Banner { settings, file: loaded.file.as_deref(), running: &running, took: started.elapsed() }.show();

    let first = loop {
        match signals.next().await {
            Signal::Hangup => running.reload(),
            stop => break stop,
        }
    };
    tracing::info!(
        "{first}: stopping; deliveries under way have {} to be settled, another {first} stops at once",
        settings.shutdown_deadline
    );
    tokio::select! {
        report = running.stop(settings.shutdown_deadline.0) => {
            tracing::info!("stopped: {report}");
            running.stop_telemetry().await;
            exit::OK
        }
        second = signals.next_stop() => {
            tracing::warn!("{second}: stopped without waiting");
            exit::SIGNAL + second.number()
        }
    }
}

/// Errors before and outside the log: one line each, on stderr.
fn complain(text: &str) {
    let mut stderr = std::io::stderr().lock();
    for line in text.lines() {
        let _ = writeln!(stderr, "leveret: {line}");
    }
}
