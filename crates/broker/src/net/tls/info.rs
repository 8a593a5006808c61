//! What of an established TLS connection is shown, in the words RabbitMQ takes from Erlang's `ssl`.

use super::subject;
use rustls::{ProtocolVersion, ServerConnection};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

/// See the module's documentation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsInfo {
    /// `tlsv1.3` or `tlsv1.2`.
    pub protocol: &'static str,
    /// How keys were agreed on: `ecdhe_rsa`; with TLS 1.3 `any`.
    pub key_exchange: String,
    /// `aes_256_gcm`, for example.
    pub cipher: String,
    /// What vouches for the data: `aead` with every cipher that is offered.
    pub hash: &'static str,
    /// Of the client's certificate, if it showed one.
    pub certificate: Option<CertificateInfo>,
}

/// A client's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateInfo {
    /// Who it is, as RabbitMQ writes it.
    pub subject: String,
    /// Who says so.
    pub issuer: String,
    /// From when until when it is valid, as RabbitMQ writes it: `2026-01-01T00:00:00Z - 2027-01-01T00:00:00Z`.
    pub validity: String,
}

/// What of a connection is shown once its handshake is over.
pub(crate) fn of(connection: &ServerConnection) -> TlsInfo {
    let protocol = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => "tlsv1.2",
        _ => "tlsv1.3",
    };
    let suite = connection.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite()));
    let (key_exchange, cipher) = words(suite.as_deref().unwrap_or_default());
    let chain = connection.peer_certificates();
    let certificate = chain.and_then(|chain| chain.first()).and_then(|first| certificate(first));
    TlsInfo { protocol, key_exchange, cipher, hash: "aead", certificate }
}

/// Key exchange and cipher of a suite's name.
fn words(suite: &str) -> (String, String) {
    let (exchange, rest) = match suite.strip_prefix("TLS13_") {
        Some(rest) => ("any", rest),
        None => suite.trim_start_matches("TLS_").split_once("_WITH_").unwrap_or(("", suite)),
    };
    let cipher = rest.rsplit_once("_SHA").map_or(rest, |(cipher, _)| cipher);
    (exchange.to_lowercase(), cipher.to_lowercase())
}

fn certificate(der: &[u8]) -> Option<CertificateInfo> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let validity = certificate.validity();
    Some(CertificateInfo {
        subject: subject::text(certificate.subject()),
        issuer: subject::text(certificate.issuer()),
        validity: format!("{} - {}", moment(&validity.not_before), moment(&validity.not_after)),
    })
}

/// When a certificate ends, in seconds since 1970.
pub(super) fn ends_unix_s(der: &[u8]) -> Option<u64> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    u64::try_from(certificate.validity().not_after.timestamp()).ok()
}

fn moment(time: &x509_parser::time::ASN1Time) -> String {
    let time = time.to_datetime();
    let (date, clock) = (time.date(), time.time());
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        date.year(),
        u8::from(date.month()),
        date.day(),
        clock.hour(),
        clock.minute(),
        clock.second()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_are_named_as_erlang_names_them() {
        let table = [
            ("TLS13_AES_256_GCM_SHA384", "any", "aes_256_gcm"),
            ("TLS13_CHACHA20_POLY1305_SHA256", "any", "chacha20_poly1305"),
            ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ecdhe_rsa", "aes_128_gcm"),
            ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ecdhe_ecdsa", "chacha20_poly1305"),
        ];
        for (suite, exchange, cipher) in table {
            assert_eq!(words(suite), (exchange.to_owned(), cipher.to_owned()));
        }
    }
}
