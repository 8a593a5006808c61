//! The log: stderr, text or JSON.

use crate::config::{LogFormat, Settings};
use leveret_telemetry::LogLayer;
use std::io::{IsTerminal, stderr};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Sends log lines to stderr from now on, and to the collector if there is one. Colours only on a terminal, and not when NO_COLOR is set.
pub(crate) fn start(settings: &Settings, collector: Option<LogLayer>) {
    let lines = tracing_subscriber::fmt::layer().with_writer(stderr);
    let lines = match settings.log_format {
        LogFormat::Text => {
            let colours =
                stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
            lines.with_ansi(colours).with_target(false).boxed()
        }
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    // The only failure is a log that was started before, and then there is one.
    let level = &settings.log_level.0;
    let _ = tracing_subscriber::registry()
        .with(lines.with_filter(level.clone()))
        .with(collector.map(|layer| layer.with_filter(level.clone())))
        .try_init();
}
