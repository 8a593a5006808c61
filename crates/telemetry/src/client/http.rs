//! OTLP over HTTP: one request at a time on one connection, which is kept.

use super::{Answer, Export, Failed, Rejected, Signal};
use crate::connect::Connector;
use crate::settings::Settings;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use prost::Message as _;
use std::time::Duration;
use tokio::sync::Mutex;

/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 64 << 10;
const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");
const AGENT: HeaderValue = HeaderValue::from_static(concat!("leveret/", env!("CARGO_PKG_VERSION")));

pub(super) struct Http {
    connector: Connector,
    headers: HeaderMap,
    authority: String,
    path: String,
    connections: [Mutex<Option<SendRequest<Full<Bytes>>>>; 3],
}

impl Http {
    pub(super) fn new(settings: &Settings, connector: Connector, headers: HeaderMap) -> Self {
        let authority = settings.endpoint.authority(settings.protocol);
        let path = settings.endpoint.path.clone();
        Self { connector, headers, authority, path, connections: Default::default() }
    }

    pub(super) async fn send(&self, export: &Export) -> Result<Rejected, Failed> {
        let (path, of) = match export.signal {
            Signal::Traces => ("/v1/traces", 0),
            Signal::Metrics => ("/v1/metrics", 1),
            Signal::Logs => ("/v1/logs", 2),
        };
        let mut request = Request::new(Full::new(export.body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = format!("{}{path}", self.path).parse().map_err(Failed::for_good)?;
        *request.headers_mut() = self.headers.clone();
        let headers = request.headers_mut();
        headers.insert(HOST, HeaderValue::from_str(&self.authority).map_err(Failed::for_good)?);
        headers.insert(CONTENT_TYPE, PROTOBUF);
        headers.insert(USER_AGENT, AGENT);
        let answer = self.exchange(&self.connections[of], request).await?;
        let (status, after) = (answer.status(), retry_after(answer.headers()));
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(Failed::again)?.to_bytes();
        if !status.is_success() {
            let again = matches!(
                status,
                StatusCode::TOO_MANY_REQUESTS
                    | StatusCode::BAD_GATEWAY
                    | StatusCode::SERVICE_UNAVAILABLE
                    | StatusCode::GATEWAY_TIMEOUT
            );
            return Err(Failed { again, after, text: format!("the collector answers {status}") });
        }
        // An answer that cannot be read is one without complaints.
        Ok(Answer::decode(body).unwrap_or_default().into())
    }

    /// On the connection there is, or a new one.
    async fn exchange(
        &self,
        connection: &Mutex<Option<SendRequest<Full<Bytes>>>>,
        request: Request<Full<Bytes>>,
    ) -> Result<http::Response<hyper::body::Incoming>, Failed> {
        let mut kept = connection.lock().await;
        let mut known = kept.take();
        if let Some(sender) = &mut known
            && sender.ready().await.is_err()
        {
            known = None;
        }
        let mut sender = match known {
            Some(sender) => sender,
            None => {
                let stream = self.connector.connect().await.map_err(Failed::again)?;
                let (sender, connection) =
                    http1::handshake(TokioIo::new(stream)).await.map_err(Failed::again)?;
                // Ends when the sender goes or the collector does.
                tokio::spawn(connection);
                sender
            }
        };
        let answer = sender.send_request(request).await.map_err(Failed::again)?;
        *kept = Some(sender);
        Ok(answer)
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok().map(Duration::from_secs)
}
