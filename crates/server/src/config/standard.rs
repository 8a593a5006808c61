//! OpenTelemetry's own environment variables, as values of our options. They win over the file and lose to `LEVERET_...`.
//!
//! Source: OpenTelemetry, "Environment Variable Specification" and "OpenTelemetry Protocol Exporter".

use super::layers::{Layer, Origin, Problem, Texts};

/// Variables that say the same as one of our options, and its key.
const SAME: [(&str, &str); 6] = [
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "otlp_endpoint"),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "otlp_protocol"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "otlp_headers"),
    ("OTEL_EXPORTER_OTLP_CERTIFICATE", "otlp_ca"),
    ("OTEL_SERVICE_NAME", "otlp_service_name"),
    ("OTEL_RESOURCE_ATTRIBUTES", "otlp_attributes"),
];
/// Those that count milliseconds.
const MILLISECONDS: [(&str, &str); 2] = [
    ("OTEL_EXPORTER_OTLP_TIMEOUT", "otlp_timeout"),
    ("OTEL_METRIC_EXPORT_INTERVAL", "otlp_metrics_interval"),
];
/// Those that turn a signal off.
const EXPORTERS: [(&str, &str); 3] = [
    ("OTEL_TRACES_EXPORTER", "traces"),
    ("OTEL_METRICS_EXPORTER", "metrics"),
    ("OTEL_LOGS_EXPORTER", "logs"),
];
const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
const SAMPLER_ARG: &str = "OTEL_TRACES_SAMPLER_ARG";
const DISABLED: &str = "OTEL_SDK_DISABLED";

/// What the variables say. An empty one says nothing.
///
/// # Errors
/// A sampler or exporter that there is not. (Values of options are looked at with all others.)
pub(super) fn layer(variables: &[(String, String)]) -> Result<Layer, Problem> {
    let said = |name: &str| {
        let found = variables.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    };
    let mut layer = Layer::new();
    let mut put = |key: &'static str, text: String, name: &str| {
        layer.insert(key, Texts { texts: vec![text], origin: Origin::Variable(name.to_owned()) });
    };
    for (name, key) in SAME {
        if let Some(value) = said(name) {
            put(key, value.to_owned(), name);
        }
    }
    for (name, key) in MILLISECONDS {
        if let Some(value) = said(name) {
            put(key, format!("{value}ms"), name);
        }
    }
    // Of the attributes, one names the service when nothing else does.
    let attributes = said("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
    let named = attributes.split(',').find_map(|part| part.trim().strip_prefix("service.name="));
    if let (Some(service), None) = (named, said("OTEL_SERVICE_NAME")) {
        put("otlp_service_name", service.to_owned(), "OTEL_RESOURCE_ATTRIBUTES");
    }
    let mut signals = Vec::new();
    let mut changed = None;
    for (name, signal) in EXPORTERS {
        match said(name) {
            None | Some("otlp") => signals.push(signal),
            Some("none") => changed = Some(name),
            Some(other) => {
                let text = format!("`{other}` is not one of `otlp`, `none`");
                return Err(Problem::new(Origin::Variable(name.into()), text));
            }
        }
    }
    if let Some(name) = changed {
        let all = if signals.is_empty() { "none".to_owned() } else { signals.join(",") };
        put("otlp_signals", all, name);
    }
    let ratio = said(SAMPLER_ARG);
    let (share, follows) = match said(SAMPLER) {
        None => (ratio.map(str::to_owned), None),
        Some(name) => {
            let (follows, rule) = match name.strip_prefix("parentbased_") {
                Some(rule) => (true, rule),
                None => (false, name),
            };
            let share = match rule {
                "always_on" => "1",
                "always_off" => "0",
                "traceidratio" => ratio.unwrap_or("1"),
                _ => {
                    let text = format!(
                        "`{name}` is not one of `always_on`, `always_off`, `traceidratio`, or these after `parentbased_`"
                    );
                    return Err(Problem::new(Origin::Variable(SAMPLER.into()), text));
                }
            };
            (Some(share.to_owned()), Some(follows))
        }
    };
    if let Some(share) = share {
        put("trace_sample", share, if ratio.is_some() { SAMPLER_ARG } else { SAMPLER });
    }
    if let Some(follows) = follows {
        put("trace_parent", follows.to_string(), SAMPLER);
    }
    if said(DISABLED).is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        put("otlp_endpoint", String::new(), DISABLED);
    }
    Ok(layer)
}
