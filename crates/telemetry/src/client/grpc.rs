//! OTLP over gRPC.

use super::codec::Ready;
use super::{Export, Failed, Rejected, Signal};
use crate::connect::{Connector, SetupError};
use crate::settings::Settings;
use http::uri::PathAndQuery;
use http::{HeaderMap, Uri};
use hyper_util::rt::TokioIo;
use tonic::client::Grpc as Calls;
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

pub(super) struct Grpc {
    settings: (Connector, Endpoint),
    channel: tokio::sync::OnceCell<Channel>,
    metadata: MetadataMap,
}

impl Grpc {
    pub(super) fn new(
        settings: &Settings,
        connector: Connector,
        headers: HeaderMap,
    ) -> Result<Self, SetupError> {
        let scheme = if settings.endpoint.is_tls { "https" } else { "http" };
        let authority = settings.endpoint.authority(settings.protocol);
        let wrong = || SetupError::Name(authority.clone());
        // TLS is the connector's affair: tonic is to connect as if there were none, and to name the scheme that is spoken.
        let endpoint = Endpoint::from_shared(format!("http://{authority}")).map_err(|_| wrong())?;
        let origin: Uri = format!("{scheme}://{authority}").parse().map_err(|_| wrong())?;
        let endpoint = endpoint.origin(origin).timeout(settings.timeout);
        let settings = (connector, endpoint);
        Ok(Self {
            settings,
            channel: tokio::sync::OnceCell::new(),
            metadata: MetadataMap::from_headers(headers),
        })
    }

    /// The connection; made anew by itself whenever it broke.
    async fn channel(&self) -> Channel {
        let channel = self.channel.get_or_init(|| async {
            let (connector, endpoint) = &self.settings;
            let connector = connector.clone();
            endpoint.connect_with_connector_lazy(tower::service_fn(move |_: Uri| {
                let connector = connector.clone();
                async move { connector.connect().await.map(TokioIo::new) }
            }))
        });
        channel.await.clone()
    }

    pub(super) async fn send(&self, export: &Export) -> Result<Rejected, Failed> {
        let mut calls = Calls::new(self.channel().await);
        calls.ready().await.map_err(Failed::again)?;
        let mut request = Request::new(export.body.clone());
        *request.metadata_mut() = self.metadata.clone();
        let path = PathAndQuery::from_static(match export.signal {
            Signal::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
            Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        });
        Ok(calls.unary(request, path, Ready).await?.into_inner().into())
    }
}

impl From<Status> for Failed {
    /// Which may be sent again: OpenTelemetry, "OTLP Specification", Failures.
    fn from(status: Status) -> Self {
        let again = matches!(
            status.code(),
            Code::Cancelled
                | Code::DeadlineExceeded
                | Code::ResourceExhausted
                | Code::Aborted
                | Code::OutOfRange
                | Code::Unavailable
                | Code::DataLoss
        );
        let mut text = format!("{:?}: {}", status.code(), status.message());
        // "transport error" alone helps nobody.
        let mut cause = std::error::Error::source(&status);
        while let Some(error) = cause {
            text += &format!(": {error}");
            cause = error.source();
        }
        // A connection that cannot be made is said to be an unknown error.
        let is_transport = std::error::Error::source(&status).is_some();
        Self { again: again || is_transport, after: None, text }
    }
}
