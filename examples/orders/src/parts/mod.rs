//! The four parts of the shop. Each has a queue, a database of its own, and a worker; none knows of another.

mod create;
mod logistics;
mod payment;
mod stock;

use std::sync::Arc;
use std::time::Duration;

use leveret::client::ConnectOptions;
use leveret::client::options::{BackoffOptions, RecoveryOptions};
use leveret::{App, BoxError, Mq, MqOptions, WorkerBuilder};
use tokio_util::sync::CancellationToken;

use crate::office::Office;
use crate::settings::{Settings, Without};
use crate::tell::Teller;
use crate::topology;

/// A part of the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Create,
    Stock,
    Payment,
    Logistics,
}

/// A message whose handling was begun so often and never ended is poison. Far above what a part that is killed on purpose gets to.
const POISON_AFTER: u32 = 100;
/// The time a handler has.
const DEADLINE: Duration = Duration::from_secs(10);
/// The time handlers have to finish when a part is told to stop.
const DRAIN: Duration = Duration::from_secs(5);

/// How often a part begins again before it gives up...
const FAILURES_MAX: u32 = 50;
/// ...and the pause before it does.
const PAUSE: Duration = Duration::from_millis(200);

impl Part {
    pub(crate) const ALL: [Self; 4] = [Self::Create, Self::Stock, Self::Payment, Self::Logistics];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Stock => "stock",
            Self::Payment => "payment",
            Self::Logistics => "logistics",
        }
    }

    pub(crate) fn schema(self) -> &'static str {
        match self {
            Self::Create => create::SCHEMA,
            Self::Stock => stock::SCHEMA,
            Self::Payment => payment::SCHEMA,
            Self::Logistics => logistics::SCHEMA,
        }
    }

    /// Runs it until `stop`.
    pub(crate) async fn run(
        self,
        settings: &Settings,
        teller: Teller,
        stop: CancellationToken,
    ) -> Result<(), BoxError> {
        let stop = stop.child_token();
        let mq = connect(settings, self.name()).await?;
        mq.declare(topology::all(settings)).await?;
        let office = Arc::new(Office::open(self, settings, &mq, teller).await?);
        let worker = mq
            .worker(topology::queue_name(settings, self))
            .concurrency(8)
            .deadline(DEADLINE)
            .drain_within(DRAIN)
            .poison_after(POISON_AFTER)
            .state(office.clone());
        let app = match self {
            Self::Create => App::new().worker(create::worker(worker)),
            Self::Stock => App::new().worker(stock::worker(worker)),
            Self::Payment => payment::app(worker, settings, &mq, &office).await?,
            Self::Logistics => App::new().worker(logistics::worker(worker)),
        };
        if self == Self::Stock {
            stock::fill(&office, settings.orders).await?;
        }
        let incoming = async {
            if self != Self::Create {
                return Ok(());
            }
            // If it fails the rest stops as well, and the part begins again.
            create::take_orders(&office, settings, &stop).await.inspect_err(|_| stop.cancel())
        };
        // A shop without outbox has nothing to relay.
        let app = match settings.without {
            Some(Without::Outbox) => app,
            _ => office.events.relayed(app, &mq).drain_within(DRAIN),
        };
        let (ended, taken) = tokio::join!(app.run(stop.clone()), incoming);
        office.db.close().await;
        let closed = mq.close(Duration::from_secs(2)).await;
        let abandoned = ended?.total().abandoned;
        taken?;
        closed?;
        if abandoned > 0 { Err(format!("{abandoned} handlers hang").into()) } else { Ok(()) }
    }
}

/// Connects, and comes back within moments whenever the broker does.
pub(crate) async fn connect(settings: &Settings, name: &str) -> Result<Mq, BoxError> {
    let backoff = BackoffOptions::default().first(Duration::from_millis(50)).max(Duration::from_secs(1));
    let options = ConnectOptions::new(settings.broker_url())?
        .name(format!("orders: {name}"))
        .heartbeat(Duration::from_secs(5))
        .recovery(RecoveryOptions::default().backoff(backoff));
    Ok(Mq::connect(MqOptions::new(options)).await?)
}

/// Runs a part, and again when it cannot go on: what it was doing is in the queues and in its database.
pub(crate) async fn keep_running(
    part: Part,
    settings: &Settings,
    teller: &Teller,
    stop: CancellationToken,
) -> Result<(), BoxError> {
    let mut failures = 0;
    loop {
        match part.run(settings, teller.clone(), stop.clone()).await {
            Ok(()) => return Ok(()),
            Err(error) if stop.is_cancelled() || failures == FAILURES_MAX => return Err(error),
            Err(error) => tracing::error!(part = part.name(), %error, "cannot go on; begins again"),
        }
        failures += 1;
        tokio::time::sleep(PAUSE).await;
    }
}

/// A worker that has what every part gives it.
type Builder = WorkerBuilder;
