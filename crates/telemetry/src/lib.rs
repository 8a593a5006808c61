//! What Leveret tells an OpenTelemetry collector.
