//! OTLP over gRPC.

use super::{Export, Failed, Rejected};
use crate::connect::{Connector, SetupError};
use crate::settings::Settings;
use http::{HeaderMap, Uri};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
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

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        *request.metadata_mut() = self.metadata.clone();
        request
    }

    pub(super) async fn send(&self, export: &Export) -> Result<Rejected, Failed> {
        let channel = self.channel().await;
        let (count, text) = match export {
            Export::Traces(traces) => {
                let answer = TraceServiceClient::new(channel).export(self.request(traces.clone())).await?;
                let partial = answer.into_inner().partial_success.unwrap_or_default();
                (partial.rejected_spans, partial.error_message)
            }
            Export::Metrics(metrics) => {
                let answer = MetricsServiceClient::new(channel).export(self.request(metrics.clone())).await?;
                let partial = answer.into_inner().partial_success.unwrap_or_default();
                (partial.rejected_data_points, partial.error_message)
            }
            Export::Logs(logs) => {
                let answer = LogsServiceClient::new(channel).export(self.request(logs.clone())).await?;
                let partial = answer.into_inner().partial_success.unwrap_or_default();
                (partial.rejected_log_records, partial.error_message)
            }
        };
        Ok(Rejected { count: u64::try_from(count).unwrap_or(0), text })
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
