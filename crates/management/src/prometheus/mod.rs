//! Metrics for Prometheus, under RabbitMQ's names, so that its dashboards and alerts go on working; and a few of our own (`leveret_`).
//!
//! `/metrics` adds everything up, `/metrics/per-object` has a sample for each queue, channel and connection, `/metrics/detailed` has
//! the families that are asked for, of the virtual hosts that are asked for. Pages are written while they are read.
//! Source: the documentation and the output of rabbitmq_prometheus 3.10.

mod channels;
mod entities;
mod global;
mod node;
mod queues;
mod text;

use crate::page;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use futures_core::Stream;
use leveret_broker::queue::Queue;
use leveret_broker::vhost::VirtualHost;
use leveret_broker::{Broker, ChannelInfo, ConnectionInfo};
use parking_lot::Mutex;
use std::collections::HashSet;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use text::Text;
use tokio::sync::{Semaphore, mpsc};

/// Pages written at once; the next one waits.
const PAGES_MAX: usize = 2;
/// Pieces written ahead of whoever reads.
const PIECES_AHEAD: usize = 4;

/// Who writes the pages.
#[derive(Debug, Clone)]
pub(crate) struct Exporter {
    broker: Broker,
    permits: Arc<Semaphore>,
    /// Sums that must not decrease, as they were told last.
    told: Arc<Mutex<[u64; 2]>>,
}

/// What a page is written from.
pub(crate) struct Source {
    broker: Broker,
    told: Arc<Mutex<[u64; 2]>>,
    /// Of these virtual hosts alone; all if there is none.
    only: HashSet<String>,
    /// By families.
    is_detailed: bool,
}

impl Source {
    fn vhosts(&self) -> Vec<Arc<VirtualHost>> {
        let is_wanted = |name: &str| self.only.is_empty() || self.only.contains(name);
        self.broker.vhosts().into_iter().filter(|vhost| is_wanted(vhost.name())).collect()
    }

    fn queues(&self) -> Vec<Arc<Queue>> {
        let of = |vhost: Arc<VirtualHost>| -> Vec<Arc<Queue>> {
            vhost.topology().queues().map(|(_, queue)| queue.clone()).collect()
        };
        self.vhosts().into_iter().flat_map(of).collect()
    }

    fn channels(&self) -> Vec<ChannelInfo> {
        let mut all = self.broker.channels();
        all.retain(|channel| self.only.is_empty() || self.only.contains(&*channel.vhost));
        all
    }

    fn connections(&self) -> Vec<ConnectionInfo> {
        self.broker.connections()
    }

    fn scheduled(&self) -> u64 {
        self.vhosts().iter().map(|vhost| vhost.scheduled_total()).sum()
    }

    fn cluster_name(&self) -> String {
        let all = self.broker.global_parameters();
        let named = all.iter().find(|(name, _)| name == "cluster_name").and_then(|(_, value)| value.as_str());
        named.unwrap_or(&self.broker.config().node_name).to_owned()
    }

    /// Seconds since a moment.
    fn age_s(&self, unix_s: u64) -> f64 {
        (self.broker.clock().unix_ms() as f64 / 1e3 - unix_s as f64).max(0.0)
    }

    /// Sums over queues of which one may be deleted meanwhile.
    fn never_less(&self, sums: [u64; 2]) -> [u64; 2] {
        let mut told = self.told.lock();
        *told = [told[0].max(sums[0]), told[1].max(sums[1])];
        *told
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Page {
    Together,
    PerObject,
    Detailed,
}

impl Exporter {
    pub(crate) fn new(broker: Broker) -> Self {
        Self { broker, permits: Arc::new(Semaphore::new(PAGES_MAX)), told: Arc::default() }
    }

    /// The listener's router: nobody logs in, as in RabbitMQ.
    pub(crate) fn router(&self) -> Router {
        let page = |page: Page| {
            let exporter = self.clone();
            get(move |uri: Uri| {
                let exporter = exporter.clone();
                async move { exporter.page(page, uri.query().unwrap_or_default()).await }
            })
        };
        Router::new()
            .route("/metrics", page(Page::Together))
            .route("/metrics/per-object", page(Page::PerObject))
            .route("/metrics/detailed", page(Page::Detailed))
    }

    /// The page with everything added up.
    pub(crate) async fn together(&self) -> Response {
        self.page(Page::Together, "").await
    }

    async fn page(&self, page: Page, query: &str) -> Response {
        let pairs = page::pairs(query);
        let all = |name: &str| {
            let found = pairs.iter().filter(|(key, _)| key == name);
            found.map(|(_, value)| value.clone()).collect::<HashSet<_>>()
        };
        let (families, only) =
            (all("family"), if page == Page::Detailed { all("vhost") } else { HashSet::new() });
        let Ok(permit) = self.permits.clone().acquire_owned().await else {
            return Response::new(Body::empty());
        };
        let (pieces, written) = mpsc::channel(PIECES_AHEAD);
        let source = Source {
            broker: self.broker.clone(),
            told: self.told.clone(),
            only,
            is_detailed: page == Page::Detailed,
        };
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            match page {
                Page::Detailed => detailed(&source, &families, Text::new(pieces, "rabbitmq_detailed_")),
                page => whole(&source, page, Text::new(pieces, "rabbitmq_")),
            }
        });
        let mut response = Response::new(Body::from_stream(Pieces { written, is_whole: false }));
        *response.status_mut() = StatusCode::OK;
        let kind = HeaderValue::from_static(text::CONTENT_TYPE);
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

fn whole(source: &Source, page: Page, mut text: Text) {
    node::alarms(source, &mut text);
    node::churn(source, &mut text);
    node::process(source, &mut text);
    node::limits(source, &mut text);
    node::persister(source, &mut text);
    node::logins(source, &mut text);
    if page == Page::PerObject {
        queues::each(source, queues::Wanted::ALL, &mut text);
        channels::each(source, channels::Wanted::ALL, &mut text);
    } else {
        queues::together(source, &mut text);
        channels::together(source, &mut text);
    }
    node::totals(source, &mut text);
    node::identity(source, &mut text);
    global::write(source, &mut text);
    node::own(source, &mut text);
    text.end();
}

/// Writes the metrics of a family.
type Write = fn(&Source, &mut Text);

fn detailed(source: &Source, families: &HashSet<String>, mut text: Text) {
    let has = |name: &str| families.contains(name);
    let of_queues = queues::Wanted {
        coarse: has("queue_coarse_metrics"),
        consumers: has("queue_consumer_count"),
        fine: has("queue_metrics"),
        published: has("channel_queue_exchange_metrics"),
    };
    queues::each(source, of_queues, &mut text);
    let of_channels = channels::Wanted {
        channels: has("channel_metrics"),
        published: has("channel_exchange_metrics"),
        taken: has("channel_queue_metrics"),
        coarse: has("connection_coarse_metrics"),
        connections: has("connection_metrics"),
    };
    channels::each(source, of_channels, &mut text);
    let of_node: [(&str, Write); 6] = [
        ("connection_churn_metrics", node::churn),
        ("node_coarse_metrics", node::process),
        ("node_metrics", node::limits),
        ("node_persister_metrics", node::persister),
        ("auth_attempt_metrics", node::logins),
        ("alarm_metrics", node::alarms),
    ];
    for (name, write) in of_node {
        if has(name) {
            write(source, &mut text);
        }
    }
    let mut text = text.prefixed("rabbitmq_cluster_");
    let of_entities: [(&str, Write); 3] = [
        ("exchange_names", entities::names),
        ("exchange_bindings", entities::bindings),
        ("vhost_status", entities::vhosts),
    ];
    for (name, write) in of_entities {
        if has(name) {
            write(source, &mut text);
        }
    }
    let mut text = text.prefixed("rabbitmq_");
    node::identity(source, &mut text);
    text.end();
}

/// A page as it is written. One that is not whole ends with an error, which breaks the answer off: a part must not pass for a page.
struct Pieces {
    written: mpsc::Receiver<Bytes>,
    is_whole: bool,
}

impl Stream for Pieces {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match ready!(self.written.poll_recv(cx)) {
            Some(piece) if piece.is_empty() => {
                self.is_whole = true;
                Poll::Ready(None)
            }
            Some(piece) => Poll::Ready(Some(Ok(piece))),
            None if self.is_whole => Poll::Ready(None),
            None => Poll::Ready(Some(Err(io::Error::other("it was not read in time")))),
        }
    }
}
