//! One request to the collector, by either protocol.

mod codec;
mod grpc;
mod http;

use crate::connect::{Connector, SetupError};
use crate::settings::{Protocol, Settings};
use ::http::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use grpc::Grpc;
use http::Http;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use std::time::Duration;

/// The answer to every kind of request: the three of them are the same bytes.
type Answer = ExportTraceServiceResponse;

/// Kinds of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    Traces,
    Metrics,
    Logs,
}

/// What is sent at once.
#[derive(Debug, Clone)]
pub(crate) struct Export {
    pub(crate) signal: Signal,
    /// The request in protobuf: `ExportTraceServiceRequest` and its like.
    pub(crate) body: Bytes,
}

/// How many of it the collector would not have, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rejected {
    pub(crate) count: u64,
    pub(crate) text: String,
}

impl From<Answer> for Rejected {
    fn from(answer: Answer) -> Self {
        let partial = answer.partial_success.unwrap_or_default();
        Self { count: u64::try_from(partial.rejected_spans).unwrap_or(0), text: partial.error_message }
    }
}

/// A request that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failed {
    /// It may be sent again.
    pub(crate) again: bool,
    /// Not sooner than that, the collector says.
    pub(crate) after: Option<Duration>,
    pub(crate) text: String,
}

impl Failed {
    fn again(text: impl ToString) -> Self {
        Self { again: true, after: None, text: text.to_string() }
    }

    fn for_good(text: impl ToString) -> Self {
        Self { again: false, after: None, text: text.to_string() }
    }
}

enum Speak {
    Grpc(Box<Grpc>),
    Http(Box<Http>),
}

/// See the module's documentation.
pub(crate) struct Client {
    speak: Speak,
    timeout: Duration,
}

impl Client {
    pub(crate) fn new(settings: &Settings) -> Result<Self, SetupError> {
        let connector = Connector::new(settings)?;
        let mut headers = HeaderMap::new();
        for (name, value) in &settings.headers {
            let wrong = || SetupError::Header(name.clone());
            let mut value = HeaderValue::from_str(value).map_err(|_| wrong())?;
            value.set_sensitive(true);
            headers.append(HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?, value);
        }
        let speak = match settings.protocol {
            Protocol::Grpc => Speak::Grpc(Box::new(Grpc::new(settings, connector, headers)?)),
            Protocol::Http => Speak::Http(Box::new(Http::new(settings, connector, headers))),
        };
        Ok(Self { speak, timeout: settings.timeout })
    }

    /// Sends it, once.
    pub(crate) async fn send(&self, export: &Export) -> Result<Rejected, Failed> {
        let sending = async {
            match &self.speak {
                Speak::Grpc(grpc) => grpc.send(export).await,
                Speak::Http(http) => http.send(export).await,
            }
        };
        match tokio::time::timeout(self.timeout, sending).await {
            Ok(result) => result,
            Err(_) => Err(Failed::again(format!("no answer within {:?}", self.timeout))),
        }
    }
}
