//! What telemetry can be told.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// Where to send what, and under which name.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// The collector.
    pub endpoint: Endpoint,
    /// How to speak to it. Default: gRPC.
    pub protocol: Protocol,
    /// Sent with every request, such as `authorization`. Never logged.
    pub headers: Vec<(String, String)>,
    /// Certificates of the authorities that the collector's certificate is signed by, as a PEM file. `None` (default): the system's.
    pub authorities: Option<PathBuf>,
    /// How long one request may take. Default 10 s, as OpenTelemetry.
    pub timeout: Duration,
    /// `service.name`. Default `leveret`.
    pub service_name: String,
    /// More attributes of this process, such as `deployment.environment`.
    pub resource: Vec<(String, String)>,
    /// What is sent. Default: all.
    pub signals: Signals,
    /// How often metrics are sent. Default 60 s, as OpenTelemetry.
    pub metrics_interval: Duration,
}

impl Settings {
    /// Everything to this collector, as the defaults say.
    #[must_use]
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            protocol: Protocol::Grpc,
            headers: Vec::new(),
            authorities: None,
            timeout: Duration::from_secs(10),
            service_name: "leveret".into(),
            resource: Vec::new(),
            signals: Signals { traces: true, metrics: true, logs: true },
            metrics_interval: Duration::from_secs(60),
        }
    }
}

/// How OTLP is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// gRPC, usually on port 4317.
    Grpc,
    /// Protobuf in HTTP requests, usually on port 4318.
    Http,
}

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signals {
    /// Spans of sampled messages.
    pub traces: bool,
    /// Gauges and counters.
    pub metrics: bool,
    /// The log.
    pub logs: bool,
}

/// Address of a collector: `http://` or `https://`, host, and what may follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub(crate) is_tls: bool,
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    /// Begins with `/`, or is empty.
    pub(crate) path: String,
}

/// An address that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no address of a collector: it has to be http://HOST:PORT or https://HOST:PORT")]
pub struct EndpointError(String);

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let error = || EndpointError(text.to_owned());
        let uri: http::Uri = text.parse().map_err(|_| error())?;
        let is_tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(error()),
        };
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'));
        let host = authority.ok_or_else(error)?.host().trim_matches(['[', ']']).to_owned();
        if host.is_empty() || uri.query().is_some() {
            return Err(error());
        }
        let path = uri.path().trim_end_matches('/').to_owned();
        Ok(Self { is_tls, host, port: uri.port_u16(), path })
    }
}

impl Endpoint {
    pub(crate) fn port_for(&self, protocol: Protocol) -> u16 {
        self.port.unwrap_or(match protocol {
            Protocol::Grpc => 4317,
            Protocol::Http => 4318,
        })
    }

    /// Host and port as a URL has them.
    pub(crate) fn authority(&self, protocol: Protocol) -> String {
        let port = self.port_for(protocol);
        if self.host.contains(':') {
            format!("[{}]:{port}", self.host)
        } else {
            format!("{}:{port}", self.host)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_collectors() {
        let parsed =
            |text: &str| text.parse::<Endpoint>().map(|e| (e.is_tls, e.authority(Protocol::Http), e.path));
        let ok = |is_tls, authority: &str, path: &str| Ok((is_tls, authority.to_owned(), path.to_owned()));
        assert_eq!(parsed("http://localhost:4317"), ok(false, "localhost:4317", ""));
        assert_eq!(parsed("https://otlp.example/base/"), ok(true, "otlp.example:4318", "/base"));
        assert_eq!(parsed("http://[::1]:4318"), ok(false, "[::1]:4318", ""));
        for wrong in
            ["", "localhost:4317", "ftp://x", "http://", "http://me:secret@x", "http://x/?a=b", "/v1"]
        {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }
}
