//! Serving the API on sockets, plain and over TLS. Connections are counted, and each has a time in which its requests arrive.

use crate::context::Context;
use crate::dispatch::{self, Peer};
use crate::options::Options;
use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use leveret_broker::Broker;
use leveret_broker::net::tls::Tls;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;

/// Time in which the head of a request arrives, counted from the end of the one before.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// Time for a TLS handshake.
const TLS_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after a failed accept (no file handles left, for example), so that the loop does not spin.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// The HTTP API of a broker. Its listeners and connections end when it is dropped.
#[derive(Debug)]
pub struct Management {
    router: Router,
    metrics: Router,
    connections: Arc<Semaphore>,
    listeners: Vec<AbortHandle>,
}

impl Management {
    /// An API that nobody reaches yet. To be called in a runtime of `tokio`.
    #[must_use]
    pub fn new(broker: Broker, options: Options) -> Self {
        let connections = Arc::new(Semaphore::new(options.connections_max));
        let context = Arc::new(Context::new(broker, options));
        let (router, metrics) = (dispatch::router(&context), context.exporter.router());
        Self { router, metrics, connections, listeners: Vec::new() }
    }

    /// The API as a `tower` service, for tests and programs that have a server of their own. Who asks without a [`Peer`] among the
    /// request's extensions counts as being in this process.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Serves it on a socket that listens.
    pub fn serve(&mut self, listener: TcpListener) {
        self.accept(self.router.clone(), listener, None);
    }

    /// Serves it over TLS on a socket that listens.
    pub fn serve_tls(&mut self, listener: TcpListener, tls: Arc<Tls>) {
        self.accept(self.router.clone(), listener, Some(tls));
    }

    /// Serves `/metrics` to Prometheus on a socket that listens. Nobody logs in there, as in RabbitMQ: it tells names and figures.
    pub fn serve_metrics(&mut self, listener: TcpListener) {
        self.accept(self.metrics.clone(), listener, None);
    }

    /// The same as a `tower` service.
    pub fn metrics_router(&self) -> Router {
        self.metrics.clone()
    }

    fn accept(&mut self, router: Router, listener: TcpListener, tls: Option<Arc<Tls>>) {
        let connections = self.connections.clone();
        let task = tokio::spawn(async move {
            let mut open = tokio::task::JoinSet::new();
            loop {
                while open.try_join_next().is_some() {}
                let Ok(permit) = connections.clone().acquire_owned().await else { return };
                let (stream, peer) = match listener.accept().await {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        tracing::warn!(%error, "HTTP API: a connection could not be accepted");
                        tokio::time::sleep(ACCEPT_RETRY).await;
                        continue;
                    }
                };
                let (router, tls) = (router.clone(), tls.clone());
                open.spawn(async move {
                    let _permit = permit;
                    connect(router, stream, peer, tls).await;
                });
            }
        });
        self.listeners.push(task.abort_handle());
    }
}

impl Drop for Management {
    fn drop(&mut self) {
        self.listeners.drain(..).for_each(|listener| listener.abort());
    }
}

async fn connect(router: Router, stream: TcpStream, address: SocketAddr, tls: Option<Arc<Tls>>) {
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else { return converse(router, stream, Peer { address, is_tls: false }).await };
    match tokio::time::timeout(TLS_TIMEOUT, tls.acceptor().accept(stream)).await {
        Ok(Ok(stream)) => converse(router, stream, Peer { address, is_tls: true }).await,
        Ok(Err(error)) => tracing::debug!(%address, %error, "HTTP API: TLS handshake failed"),
        Err(_) => tracing::debug!(%address, "HTTP API: TLS handshake took too long"),
    }
}

async fn converse<S>(router: Router, stream: S, peer: Peer)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        hyper::service::Service::call(&service, request)
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(address = %peer.address, %error, "HTTP API: connection ended");
    }
}
