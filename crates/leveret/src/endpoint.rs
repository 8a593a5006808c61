//! Metrics and health over HTTP, for Prometheus, Kubernetes and service meshes.
//!
//! | path | answer |
//! |---|---|
//! | `/metrics` | what the [`metrics`](crate::metrics) module and the application count, in Prometheus' text |
//! | `/health/live` | 200, or 503 when only a new start helps: [`Health::is_live`](crate::Health::is_live) |
//! | `/health/ready` | 200 while messages come and go, else 503 with the reason: [`Health::is_ready`](crate::Health::is_ready); with [`Bound::serve_app`] also [`AppHealth::is_ready`] |
//!
//! ```
//! # async fn example(mq: leveret::Mq) -> Result<(), Box<dyn std::error::Error>> {
//! use leveret::endpoint::Endpoint;
//!
//! let metrics = Endpoint::install()?; // before workers and publishers are made
//! let endpoint = metrics.bind("127.0.0.1:0").await?; // in a service 0.0.0.0:9000
//! println!("http://{}/metrics", endpoint.address());
//! let serving = tokio::spawn(endpoint.serve(mq));
//! # serving.abort();
//! # Ok(())
//! # }
//! # leveret::test::run_example(example);
//! ```

use std::io;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::net::{TcpListener, ToSocketAddrs};

use crate::app::AppHealth;
use crate::metrics::{CONFIRM_SECONDS, HANDLE_SECONDS};
use crate::mq::Mq;

/// Upper bounds of the histograms' buckets, in seconds.
const SECONDS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];

/// A recorder for the whole process, whose figures are served over HTTP.
#[derive(Debug, Clone)]
pub struct Endpoint(PrometheusHandle);

/// An endpoint on its address, not yet serving.
#[derive(Debug)]
#[must_use = "an endpoint does nothing until it serves"]
pub struct Bound {
    figures: PrometheusHandle,
    listener: TcpListener,
    address: SocketAddr,
}

impl Endpoint {
    /// Makes the recorder that the process counts in. To count in one of your own, install that and leave this.
    ///
    /// # Errors
    /// There is one already.
    pub fn install() -> Result<Self, BuildError> {
        let of = |name: &str| Matcher::Full(name.to_owned());
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(of(HANDLE_SECONDS), &SECONDS)?
            .set_buckets_for_metric(of(CONFIRM_SECONDS), &SECONDS)?;
        Ok(Self(builder.install_recorder()?))
    }

    /// The figures in Prometheus' text, for a server of your own.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.run_upkeep();
        self.0.render()
    }

    /// Listens. Port 0: any that is free.
    ///
    /// # Errors
    /// The address cannot be had.
    pub async fn bind(&self, address: impl ToSocketAddrs) -> io::Result<Bound> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Bound { figures: self.0.clone(), listener, address })
    }
}

impl Bound {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the future is dropped. No login and no TLS: for an address that only the mesh and Prometheus reach.
    ///
    /// # Errors
    /// The listener is broken.
    pub async fn serve(self, mq: Mq) -> io::Result<()> {
        self.serve_all(mq, None).await
    }

    /// The same with an application, which is ready when its connections and its parts are: [`AppHealth::is_ready`].
    ///
    /// # Errors
    /// As [`serve`](Self::serve).
    pub async fn serve_app(self, mq: Mq, app: AppHealth) -> io::Result<()> {
        self.serve_all(mq, Some(app)).await
    }

    async fn serve_all(self, mq: Mq, app: Option<AppHealth>) -> io::Result<()> {
        let figures = Endpoint(self.figures);
        let health = |is_fine: bool, text: String| {
            (if is_fine { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, text + "\n")
        };
        let live = move |State(mq): State<Mq>| async move {
            let now = mq.health();
            health(now.is_live(), now.to_string())
        };
        let ready = move |State(mq): State<Mq>| async move {
            let now = mq.health();
            match app {
                None => health(now.is_ready(), now.to_string()),
                Some(app) => health(now.is_ready() && app.is_ready(), format!("{now}, {app}")),
            }
        };
        let routes = Router::new()
            .route("/metrics", get(move || async move { figures.render() }))
            .route("/health/live", get(live))
            .route("/health/ready", get(ready))
            .with_state(mq);
        axum::serve(self.listener, routes).await
    }
}
