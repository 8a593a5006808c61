//! What Leveret tells an OpenTelemetry collector, over OTLP: traces, metrics and logs.
//!
//! [`Telemetry`] holds a bounded queue for spans and one for log lines. Whoever brings something puts it in and goes on; what is too
//! much is dropped and counted. Tasks take batches out and send them; a collector that does not answer costs the broker nothing but
//! what is dropped.
//!
//! Why no OpenTelemetry SDK: see `docs/dependencies.md`.

mod client;
mod connect;
mod exporter;
mod figures;
mod logs;
mod metrics;
mod protobuf;
mod queue;
mod resource;
mod settings;
mod spans;

pub use connect::SetupError;
pub use figures::Figures;
pub use logs::LogLayer;
pub use settings::{Endpoint, EndpointError, Protocol, Settings, Signals};

use client::Client;
use figures::Counts;
use leveret_broker::Broker;
use leveret_broker::trace::{Span, TraceSink};
use logs::LogLine;
use queue::Queue;
use resource::resource;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Bytes of spans that wait to be sent.
const SPAN_BYTES_MAX: usize = 8 << 20;
/// Bytes of log lines that wait to be sent.
const LOG_BYTES_MAX: usize = 1 << 20;

/// See the crate's documentation.
pub struct Telemetry {
    settings: Settings,
    client: Arc<Client>,
    spans: Arc<Queue<Span>>,
    logs: Arc<Queue<LogLine>>,
    counts: Arc<Counts>,
}

impl Telemetry {
    /// Reads certificates; nothing is sent or connected yet.
    ///
    /// # Errors
    /// Certificates that cannot be read, a header that HTTP does not allow.
    pub fn new(settings: Settings) -> Result<Self, SetupError> {
        let client = Arc::new(Client::new(&settings)?);
        Ok(Self {
            client,
            spans: Arc::new(Queue::new(SPAN_BYTES_MAX)),
            logs: Arc::new(Queue::new(LOG_BYTES_MAX)),
            counts: Arc::default(),
            settings,
        })
    }

    /// Where a broker is to leave its spans; `None` when traces are not wanted.
    #[must_use]
    pub fn sink(&self) -> Option<Arc<dyn TraceSink>> {
        self.settings.signals.traces.then(|| Arc::new(Sink(self.spans.clone())) as Arc<dyn TraceSink>)
    }

    /// What takes the program's log; `None` when logs are not wanted.
    #[must_use]
    pub fn log_layer(&self) -> Option<LogLayer> {
        self.settings.signals.logs.then(|| LogLayer::new(self.logs.clone()))
    }

    /// Starts to send, from this broker. Call it inside a tokio runtime.
    #[must_use]
    pub fn start(self, broker: &Broker) -> Running {
        let Self { settings, client, spans, logs, counts } = self;
        let resource = Arc::new(resource(&settings, &broker.config().node_name));
        let (stop, stopping) = watch::channel(());
        let mut tasks = JoinSet::new();
        if settings.signals.traces {
            let (resource, counts) = (resource.clone(), counts.clone());
            let send = exporter::Queued { queue: spans.clone(), client: client.clone(), resource, counts };
            tasks.spawn(send.run(stopping.clone()));
        }
        if settings.signals.logs {
            let (resource, counts) = (resource.clone(), counts.clone());
            let send = exporter::Queued { queue: logs.clone(), client: client.clone(), resource, counts };
            tasks.spawn(send.run(stopping.clone()));
        }
        let figures = figures::Source { spans, logs, counts };
        if settings.signals.metrics {
            let meter = metrics::Meter::new(broker.clone(), resource, figures.clone());
            tasks.spawn(exporter::meter(meter, client, settings.metrics_interval, stopping));
        }
        Running { figures, stop, tasks }
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Telemetry that is being sent; ends with this.
#[derive(Debug)]
pub struct Running {
    figures: figures::Source,
    stop: watch::Sender<()>,
    tasks: JoinSet<()>,
}

impl Running {
    /// What was sent, and what was not.
    #[must_use]
    pub fn figures(&self) -> Figures {
        self.figures.get()
    }

    /// Sends what waits, for so long at most.
    pub async fn stop(mut self, deadline: Duration) -> Figures {
        drop(self.stop);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        // What is not done by then is given up with its task.
        let _ = tokio::time::timeout(deadline, all).await;
        let figures = self.figures.get();
        if figures.spans_waiting + figures.logs_waiting > 0 {
            tracing::warn!(
                spans = figures.spans_waiting,
                logs = figures.logs_waiting,
                "the OTLP collector did not take what waited: it is lost"
            );
        }
        figures
    }
}

struct Sink(Arc<Queue<Span>>);

impl TraceSink for Sink {
    fn span(&self, span: Span) {
        self.0.push(span);
    }
}
