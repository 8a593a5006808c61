//! What has to hold between options, and the bounds of single ones.

use super::layers::{Layered, Problem};
use super::options::Settings;
use super::values::{ByteSize, TlsVerify};
use std::time::Duration;

/// Smallest frame_max AMQP 0-9-1 allows.
const FRAME_MIN: u64 = 4096;
/// Largest frame_max offered: one frame has to fit the buffers of one connection.
const FRAME_CEILING: u64 = 16 << 20;
/// AMQP 0-9-1 counts heartbeats in seconds, in 16 bits.
const HEARTBEAT_SECONDS_MAX: u64 = u16::MAX as u64;
/// Shortest times of telemetry.
const TELEMETRY_MIN: Duration = Duration::from_millis(100);

/// Every problem found; empty when the settings can be used.
pub(crate) fn check(layered: &Layered) -> Vec<Problem> {
    let settings = &layered.settings;
    let mut found: Vec<(&'static str, String)> = Vec::new();
    listeners(settings, &mut found);
    if settings.external_auth && settings.tls_verify == TlsVerify::None {
        found.push(("external_auth", "needs clients' certificates, and `tls_verify` is `none`".into()));
    }
    bounds(settings, &mut found);
    telemetry(settings, &mut found);
    let data = layered.origin("data");
    if settings.memory && data.rank() > 0 && data.rank() == layered.origin("memory").rank() {
        found.push(("data", "cannot be combined with `memory`: keep data in a folder, or in memory".into()));
    }
    found.into_iter().map(|(key, what)| Problem::of(key, layered.origin(key), what)).collect()
}

fn listeners(settings: &Settings, found: &mut Vec<(&'static str, String)>) {
    if settings.amqp.is_empty() && settings.amqps.is_empty() {
        found.push(("amqp", "there is no listener at all: give `amqp` or `amqps` an ADDR:PORT".into()));
    }
    if settings.amqps.is_empty() && settings.management_tls.is_empty() {
        for (key, given) in [
            ("tls_cert", settings.tls_cert.is_some()),
            ("tls_key", settings.tls_key.is_some()),
            ("tls_client_ca", settings.tls_client_ca.is_some()),
            ("tls_verify", settings.tls_verify != TlsVerify::None),
        ] {
            if given {
                found.push((
                    key,
                    "is for TLS listeners and there is none: give `amqps` or `management_tls` an ADDR:PORT"
                        .into(),
                ));
            }
        }
        return;
    }
    for (key, file) in [("tls_cert", &settings.tls_cert), ("tls_key", &settings.tls_key)] {
        if file.is_none() {
            found.push((
                key,
                "is missing: a TLS listener (`amqps`, `management_tls`) needs `tls_cert` and `tls_key`"
                    .into(),
            ));
        }
    }
    match (settings.tls_verify, &settings.tls_client_ca) {
        (TlsVerify::None, Some(_)) => found.push((
            "tls_client_ca",
            "is not looked at while `tls_verify` is `none`: set it to `optional` or `required`".into(),
        )),
        (TlsVerify::Optional | TlsVerify::Required, None) => found.push((
            "tls_verify",
            "needs `tls_client_ca`: the authorities that sign clients' certificates".into(),
        )),
        _ => {}
    }
}

fn telemetry(settings: &Settings, found: &mut Vec<(&'static str, String)>) {
    if settings.otlp_endpoint.is_some() && settings.otlp_signals.is_empty() {
        found.push((
            "otlp_signals",
            "`none` leaves nothing to send: leave `otlp_endpoint` out instead".into(),
        ));
    }
    for (key, span) in
        [("otlp_timeout", settings.otlp_timeout), ("otlp_metrics_interval", settings.otlp_metrics_interval)]
    {
        if span.0 < TELEMETRY_MIN {
            found.push((key, "has to be at least 100ms".into()));
        }
    }
}

fn bounds(settings: &Settings, found: &mut Vec<(&'static str, String)>) {
    let ByteSize(frame_max) = settings.frame_max;
    if !(FRAME_MIN..=FRAME_CEILING).contains(&frame_max) {
        found.push(("frame_max", format!("{frame_max} is outside 4096 to {}", ByteSize(FRAME_CEILING))));
    }
    if settings.channel_max == 0 {
        found.push(("channel_max", "0 would leave no channel; RabbitMQ's default is 2047".into()));
    }
    let heartbeat = settings.heartbeat.0;
    if heartbeat.subsec_nanos() != 0 || heartbeat.as_secs() > HEARTBEAT_SECONDS_MAX {
        found.push(("heartbeat", "has to be whole seconds, at most 65535s".into()));
    }
    if settings.handshake_timeout.0.is_zero() {
        found.push(("handshake_timeout", "0 would leave clients no time to log in".into()));
    }
    if settings.message_bytes_max.0 == 0 {
        found.push(("message_bytes_max", "0 would refuse every message".into()));
    }
    if settings.outgoing_bytes_max < ByteSize(FRAME_MIN) {
        found.push(("outgoing_bytes_max", "has to be at least 4096".into()));
    }
}
