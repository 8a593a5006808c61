//! Query parameters of a URI: RabbitMQ's (<https://www.rabbitmq.com/docs/uri-query-parameters>), lapin's and amqp091-go's.
//! Whatever is not understood is refused: a misspelt `verify` must not go unnoticed.

use std::time::Duration;

use super::{ConnectOptions, Identity, Mechanism, TlsOptions};
use crate::uri::{UriError, nearest};

const KNOWN: [&str; 17] = [
    "auth_mechanism",
    "cacertfile",
    "certfile",
    "channel_max",
    "connection_name",
    "connection_timeout",
    "depth",
    "fail_if_no_peer_cert",
    "frame_max",
    "heartbeat",
    "keyfile",
    "locale",
    "max_message_size",
    "password",
    "server_name_indication",
    "verify",
    "versions",
];

pub(super) fn apply(options: &mut ConnectOptions, parameters: &[(String, String)]) -> Result<(), UriError> {
    let mut seen = Vec::new();
    let (mut certificate, mut key) = (None, None);
    for (typed, value) in parameters {
        let Some(name) = KNOWN.into_iter().find(|known| known == typed) else {
            return Err(UriError::UnknownParameter { name: typed.clone(), nearest: nearest(typed, KNOWN) });
        };
        if seen.contains(&name) && name != "auth_mechanism" {
            return Err(UriError::Duplicate(name));
        }
        let first = !seen.contains(&name);
        seen.push(name);
        match name {
            "heartbeat" => {
                options.heartbeat =
                    Duration::from_secs(number::<u16>(name, value, "seconds from 0 to 65535")?.into());
            }
            "connection_timeout" => {
                let expected = "milliseconds from 1 to 4294967295";
                options.connect_timeout = Duration::from_millis(
                    positive(name, value, expected, number::<u32>(name, value, expected)?)?.into(),
                );
            }
            "channel_max" => options.channel_max = number(name, value, "a number from 0 to 65535")?,
            "frame_max" => {
                let expected = "0 or bytes from 4096 to 4294967295";
                options.frame_max = number(name, value, expected)?;
                if (1..4096).contains(&options.frame_max) {
                    return Err(refuse(name, value, expected));
                }
            }
            "max_message_size" => {
                let expected = "bytes from 1";
                options.message_bytes_max = number(name, value, expected)?;
                if options.message_bytes_max == 0 {
                    return Err(refuse(name, value, expected));
                }
            }
            "auth_mechanism" => {
                let mechanism = Mechanism::from_name(value)
                    .ok_or_else(|| refuse(name, value, "plain, amqplain or external"))?;
                if first {
                    options.mechanisms.clear();
                }
                options.mechanisms.push(mechanism);
            }
            "locale" => options.locale.clone_from(value),
            "connection_name" => options.name = Some(value.clone()),
            "depth" => {
                let instead = "chains of any sensible length are accepted; remove it";
                return Err(UriError::Unsupported { name, instead });
            }
            "password" => {
                let instead = "write the key without encryption (openssl pkey -in key.pem -out plain.pem), readable by you alone";
                return Err(UriError::Unsupported { name, instead });
            }
            "versions" => {
                let instead = "TLS 1.2 and 1.3 are spoken; remove it";
                return Err(UriError::Unsupported { name, instead });
            }
            // The rest is about TLS.
            _ => {
                let tls = options.tls.as_mut().ok_or(UriError::TlsOnly(name))?;
                match name {
                    "certfile" => certificate = Some(value),
                    "keyfile" => key = Some(value),
                    _ => apply_tls(tls, name, value)?,
                }
            }
        }
    }
    if let (Some(tls), true) = (&mut options.tls, certificate.is_some() || key.is_some()) {
        // One file may hold both, as it may for RabbitMQ.
        let (certificate, key) = (certificate.or(key), key.or(certificate));
        if let (Some(certificate), Some(key)) = (certificate, key) {
            tls.identity = Some(Identity::Files { certificate: certificate.into(), key: key.into() });
        }
    }
    Ok(())
}

fn apply_tls(tls: &mut TlsOptions, name: &'static str, value: &str) -> Result<(), UriError> {
    match (name, value) {
        ("cacertfile", path) => tls.ca_files.push(path.into()),
        ("verify", "verify_peer") => {}
        ("verify", "verify_none") => tls.danger_accept_any_certificate = true,
        ("verify", other) => return Err(refuse(name, other, "verify_peer or verify_none")),
        ("server_name_indication", "disable") => tls.without_server_name_indication = true,
        ("server_name_indication", host) => tls.server_name = Some(host.to_owned()),
        ("fail_if_no_peer_cert", "true") => {}
        (_, other) => {
            return Err(refuse(name, other, "true: a broker without a certificate is never accepted"));
        }
    }
    Ok(())
}

fn number<N: std::str::FromStr>(
    name: &'static str,
    value: &str,
    expected: &'static str,
) -> Result<N, UriError> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    value.parse().ok().filter(|_| digits).ok_or_else(|| refuse(name, value, expected))
}

fn positive(name: &'static str, value: &str, expected: &'static str, number: u32) -> Result<u32, UriError> {
    if number == 0 { Err(refuse(name, value, expected)) } else { Ok(number) }
}

fn refuse(name: &'static str, value: &str, expected: &'static str) -> UriError {
    UriError::Value { name, value: value.to_owned(), expected }
}
