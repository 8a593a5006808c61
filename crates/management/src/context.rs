//! What all requests share.

use crate::auth::FailedLogins;
use crate::options::Options;
use crate::prometheus::Exporter;
use crate::stats::Stats;
use leveret_broker::Broker;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use tokio::sync::Semaphore;

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) broker: Broker,
    pub(crate) options: Options,
    pub(crate) stats: Stats,
    pub(crate) exporter: Exporter,
    pub(crate) failed_logins: FailedLogins,
    /// One permit for each request that is worked on.
    pub(crate) permits: Arc<Semaphore>,
    /// Event streams that are open.
    pub(crate) event_streams: AtomicUsize,
    /// When it was made, in milliseconds since 1970.
    pub(crate) started_unix_ms: u64,
}

impl Context {
    pub(crate) fn new(broker: Broker, options: Options) -> Self {
        let started_unix_ms = broker.clock().unix_ms();
        Self {
            stats: Stats::new(broker.clone(), options.sample_interval),
            exporter: Exporter::new(broker.clone()),
            failed_logins: FailedLogins::new(options.failed_logins_per_minute_max),
            permits: Arc::new(Semaphore::new(options.requests_max)),
            event_streams: AtomicUsize::new(0),
            started_unix_ms,
            broker,
            options,
        }
    }
}
