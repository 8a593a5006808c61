//! How an application connects.

use leveret_client::ConnectOptions;

/// How to connect.
///
/// ```
/// use leveret::{ConnectOptions, Mq, MqOptions};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let connect = ConnectOptions::new("amqp://guest:guest@mq1,mq2/shop")?.name("orders"); // two brokers of a cluster
/// let mq = Mq::connect(MqOptions::new(connect).trace_share(0.01)).await?;
/// # let _ = mq; Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MqOptions {
    /// How to reach the broker, and how to come back to it.
    pub connect: ConnectOptions,
    /// Messages wait in queues of their own for their next attempt even where the broker could keep them. For brokers that are to be
    /// exchanged while messages are in them. Default: false.
    pub rungs_everywhere: bool,
    /// Which share of messages is traced, 0 to 1. Below 1 a message whose context (`traceparent`) says that it is kept is traced, one whose
    /// context says that it is not is not, and of those without a context this share is. What is not traced passes its context on all
    /// the same. Default: 1, every message, whatever its context says.
    pub trace_share: f64,
}

impl MqOptions {
    /// With these options for both connections.
    #[must_use]
    pub fn new(connect: ConnectOptions) -> Self {
        Self { connect, rungs_everywhere: false, trace_share: 1.0 }
    }

    /// Sets [`rungs_everywhere`](Self::rungs_everywhere).
    #[must_use]
    pub fn rungs_everywhere(self, rungs_everywhere: bool) -> Self {
        Self { rungs_everywhere, ..self }
    }

    /// Sets [`trace_share`](Self::trace_share).
    #[must_use]
    pub fn trace_share(self, share: f64) -> Self {
        Self { trace_share: share, ..self }
    }
}
