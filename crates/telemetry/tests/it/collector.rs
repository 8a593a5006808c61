//! The collector: takes OTLP over gRPC or HTTP, plain or over TLS, wants a token, and answers as it is told.

use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use leveret_telemetry::{Protocol, Settings};
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{LogsService, LogsServiceServer};
use opentelemetry_proto::tonic::collector::logs::v1::*;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::*;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::*;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;
use tonic::service::Routes;
use tonic::{Code, Status};

const TOKEN: &str = "Bearer of-the-test";

/// How requests are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Take,
    /// Not now.
    Busy,
    /// Never.
    Refuse,
    /// Not at all.
    Silence,
}

#[derive(Debug, Default)]
pub(crate) struct Received {
    pub(crate) traces: Vec<ExportTraceServiceRequest>,
    pub(crate) metrics: Vec<ExportMetricsServiceRequest>,
    pub(crate) logs: Vec<ExportLogsServiceRequest>,
    pub(crate) requests: usize,
    pub(crate) without_token: usize,
}

#[derive(Debug)]
struct Shared {
    received: Mutex<Received>,
    answer: Mutex<Answer>,
}

pub(crate) struct Collector {
    shared: Arc<Shared>,
    pub(crate) settings: Settings,
    task: AbortHandle,
    _authority: Option<tempfile::NamedTempFile>,
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Collector {
    pub(crate) async fn start(protocol: Protocol, tls: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared { received: Mutex::default(), answer: Mutex::new(Answer::Take) });
        let scheme = if tls { "https" } else { "http" };
        let mut settings = Settings::new(format!("{scheme}://localhost:{port}").parse().unwrap());
        settings.protocol = protocol;
        settings.headers = vec![("authorization".into(), TOKEN.into())];
        let (acceptor, authority) = tls.then(|| acceptor(protocol)).unzip();
        settings.authorities =
            authority.as_ref().map(|file: &tempfile::NamedTempFile| file.path().to_owned());
        let task = tokio::spawn(serve(listener, acceptor, protocol, shared.clone())).abort_handle();
        Self { shared, settings, task, _authority: authority }
    }

    pub(crate) fn answers(&self, answer: Answer) {
        *self.shared.answer.lock().unwrap() = answer;
    }

    pub(crate) fn look<R>(&self, look: impl FnOnce(&Received) -> R) -> R {
        look(&self.shared.received.lock().unwrap())
    }

    pub(crate) fn spans(&self) -> Vec<Span> {
        self.look(|received| {
            let scopes =
                received.traces.iter().flat_map(|it| &it.resource_spans).flat_map(|it| &it.scope_spans);
            scopes.flat_map(|scope| scope.spans.clone()).collect()
        })
    }

    /// Waits until something holds of what was received.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Received) -> bool) {
        let waiting = async {
            while !self.look(&holds) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let seen = tokio::time::timeout(Duration::from_secs(20), waiting).await;
        assert!(seen.is_ok(), "{what}: {:?}", self.look(|received| format!("{received:?}")));
    }
}

fn acceptor(protocol: Protocol) -> (TlsAcceptor, tempfile::NamedTempFile) {
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), signed.cert.pem()).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signed.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let mut config = builder.with_single_cert(vec![signed.cert.der().clone()], key).unwrap();
    config.alpn_protocols = match protocol {
        Protocol::Grpc => vec![b"h2".to_vec()],
        Protocol::Http => vec![b"http/1.1".to_vec()],
    };
    (TlsAcceptor::from(Arc::new(config)), file)
}

async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, protocol: Protocol, shared: Arc<Shared>) {
    loop {
        let (tcp, _) = listener.accept().await.unwrap();
        let (tls, shared) = (tls.clone(), shared.clone());
        tokio::spawn(async move {
            match tls {
                None => talk(TokioIo::new(tcp), protocol, shared).await,
                Some(tls) => match tls.accept(tcp).await {
                    Ok(stream) => talk(TokioIo::new(stream), protocol, shared).await,
                    Err(_) => return,
                },
            }
        });
    }
}

async fn talk<S>(stream: S, protocol: Protocol, shared: Arc<Shared>)
where
    S: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    match protocol {
        Protocol::Grpc => {
            let service = Service(shared);
            let routes = Routes::new(TraceServiceServer::new(service.clone()))
                .add_service(MetricsServiceServer::new(service.clone()))
                .add_service(LogsServiceServer::new(service));
            let builder = http2::Builder::new(TokioExecutor::new());
            let _ = builder.serve_connection(stream, TowerToHyperService::new(routes)).await;
        }
        Protocol::Http => {
            let respond = service_fn(move |request| http(shared.clone(), request));
            let _ = http1::Builder::new().serve_connection(stream, respond).await;
        }
    }
}

impl Shared {
    /// The answer to a request with these credentials.
    async fn asked(&self, token: Option<&[u8]>) -> Answer {
        {
            let mut received = self.received.lock().unwrap();
            received.requests += 1;
            received.without_token += usize::from(token != Some(TOKEN.as_bytes()));
        }
        let answer = *self.answer.lock().unwrap();
        if answer == Answer::Silence {
            std::future::pending::<()>().await;
        }
        answer
    }
}

async fn http(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Full<bytes::Bytes>>, hyper::Error> {
    assert_eq!(request.headers()["content-type"], "application/x-protobuf");
    let token = request.headers().get("authorization").map(|value| value.as_bytes().to_vec());
    let status = match shared.asked(token.as_deref()).await {
        Answer::Take | Answer::Silence => 200,
        Answer::Busy => 503,
        Answer::Refuse => 400,
    };
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await?.to_bytes();
    if status == 200 {
        let mut received = shared.received.lock().unwrap();
        match &*path {
            "/v1/traces" => received.traces.push(Message::decode(body).unwrap()),
            "/v1/metrics" => received.metrics.push(Message::decode(body).unwrap()),
            "/v1/logs" => received.logs.push(Message::decode(body).unwrap()),
            other => panic!("{other}"),
        }
    }
    let mut response = Response::new(Full::default());
    *response.status_mut() = status.try_into().unwrap();
    Ok(response)
}

#[derive(Clone)]
struct Service(Arc<Shared>);

impl Service {
    async fn asked<T>(&self, request: tonic::Request<T>) -> Result<T, Status> {
        let token = request.metadata().get("authorization").map(|value| value.as_bytes().to_vec());
        match self.0.asked(token.as_deref()).await {
            Answer::Take | Answer::Silence => Ok(request.into_inner()),
            Answer::Busy => Err(Status::new(Code::Unavailable, "busy")),
            Answer::Refuse => Err(Status::new(Code::InvalidArgument, "no")),
        }
    }
}

#[tonic::async_trait]
impl TraceService for Service {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, Status> {
        let taken = self.asked(request).await?;
        self.0.received.lock().unwrap().traces.push(taken);
        Ok(tonic::Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Service {
    async fn export(
        &self,
        request: tonic::Request<ExportMetricsServiceRequest>,
    ) -> Result<tonic::Response<ExportMetricsServiceResponse>, Status> {
        let taken = self.asked(request).await?;
        self.0.received.lock().unwrap().metrics.push(taken);
        Ok(tonic::Response::new(ExportMetricsServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl LogsService for Service {
    async fn export(
        &self,
        request: tonic::Request<ExportLogsServiceRequest>,
    ) -> Result<tonic::Response<ExportLogsServiceResponse>, Status> {
        let taken = self.asked(request).await?;
        self.0.received.lock().unwrap().logs.push(taken);
        Ok(tonic::Response::new(ExportLogsServiceResponse::default()))
    }
}
