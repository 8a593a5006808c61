//! The settings of telemetry, as the crate that sends it wants them.

use crate::config::{OtlpSignal, Settings};
use leveret_broker::trace::{Sampler, Tracing};
use leveret_telemetry::{Signals, Telemetry};

/// Makes ready to send; `None` when there is nobody to send to.
///
/// # Errors
/// What cannot be used, and of which option.
pub(super) fn prepare(settings: &Settings) -> Result<Option<Telemetry>, String> {
    let Some(endpoint) = &settings.otlp_endpoint else { return Ok(None) };
    let mut telemetry = leveret_telemetry::Settings::new(endpoint.0.clone());
    let pairs = |all: &[_]| all.iter().map(pair).collect();
    telemetry.protocol = settings.otlp_protocol.0;
    telemetry.headers = pairs(&settings.otlp_headers);
    telemetry.authorities.clone_from(&settings.otlp_ca);
    telemetry.timeout = settings.otlp_timeout.0;
    telemetry.service_name.clone_from(&settings.otlp_service_name);
    telemetry.resource = pairs(&settings.otlp_attributes);
    let wants = |signal| settings.otlp_signals.contains(&signal);
    telemetry.signals = Signals {
        traces: wants(OtlpSignal::Traces),
        metrics: wants(OtlpSignal::Metrics),
        logs: wants(OtlpSignal::Logs),
    };
    telemetry.metrics_interval = settings.otlp_metrics_interval.0;
    Telemetry::new(telemetry).map(Some).map_err(|error| format!("otlp: {error}"))
}

/// What the broker is told of it.
pub(super) fn tracing(settings: &Settings, telemetry: &Telemetry) -> Option<Tracing> {
    let sink = telemetry.sink()?;
    let sampler = Sampler { parent_based: settings.trace_parent, ratio: settings.trace_sample.0 };
    Some(Tracing { sink, sampler })
}

fn pair(pair: &crate::config::NameValue) -> (String, String) {
    (pair.name.clone(), pair.value.clone())
}
