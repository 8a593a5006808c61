//! The broker that a test runs at: the test broker with its virtual clock, or, where `LEVERET_TOOLKIT_URL` names one, a broker that runs
//! somewhere, with the machine's clock. The bodies of tests are the same at both.
//!
//! At a broker that runs somewhere each test has a virtual host of its own, behind a relay of its own that is cut, closed and stalled where
//! a test does that to the test broker. Its inside is looked at as anybody can: by AMQP and by the management API. A test's seconds take
//! [`SECOND`] there.
//!
//! Not here: what can only be asked of the test broker ([`Home::ours`]); such tests stand in `ours.txt`, with the reason.

mod faults;
mod looks;
mod management;
mod real;
mod relay;
mod time;

use std::panic::Location;
use std::time::{Duration, Instant};

use bytes::Bytes;
use leveret::client::{FieldValue, Properties};
use leveret::test::{MessageView, TestBroker};
use leveret::{Mq, MqOptions};

pub(crate) use looks::Figures;
use real::Real;

/// What a second of a test takes where the clock is the machine's.
const SECOND: Duration = Duration::from_millis(100);
/// How long anything is waited for there: machines that test are busy.
const WITHIN: Duration = Duration::from_secs(30);
/// For how long a queue of a broker that runs somewhere is to look empty: it tells its figures once a second.
const FIGURES_EVERY: Duration = Duration::from_millis(1200);

/// A message in its queue.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) routing_key: String,
    pub(crate) properties: Properties,
    pub(crate) body: Bytes,
}

impl View {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&FieldValue> {
        self.properties.headers.as_ref()?.get(name)
    }
}

impl From<MessageView> for View {
    fn from(message: MessageView) -> Self {
        let MessageView { routing_key, properties, body, .. } = message;
        Self { routing_key, properties, body }
    }
}

/// See the top of this file.
pub(crate) enum Home {
    Test(TestBroker),
    Real(Box<Real>),
}

impl Home {
    pub(crate) async fn start() -> Self {
        match Real::start() {
            Some(real) => Self::Real(Box::new(real)),
            None => Self::Test(TestBroker::start().await),
        }
    }

    /// The test broker, for what can be asked of it alone.
    #[track_caller]
    pub(crate) fn ours(&self) -> &TestBroker {
        match self {
            Self::Test(broker) => broker,
            Self::Real(_) => panic!("this test is of the test broker alone: it has to stand in ours.txt"),
        }
    }

    pub(crate) fn is_real(&self) -> bool {
        matches!(self, Self::Real(_))
    }

    pub(crate) async fn connect(&self) -> Mq {
        self.connect_with(|options| options).await
    }

    pub(crate) async fn connect_with(&self, change: impl FnOnce(MqOptions) -> MqOptions) -> Mq {
        match self {
            Self::Test(broker) => leveret::test::connect_with(broker, change).await,
            Self::Real(real) => Mq::connect(change(MqOptions::new(real.client_options()))).await.unwrap(),
        }
    }

    #[track_caller]
    pub(crate) fn eventually(
        &self,
        what: impl Into<String>,
        mut condition: impl FnMut() -> bool,
    ) -> impl Future<Output = ()> {
        let (place, what) = (Location::caller(), what.into());
        async move {
            if let Self::Test(broker) = self {
                return broker.eventually(&format!("{what} (at {place})"), condition).await;
            }
            let began = Instant::now();
            while !condition() {
                assert!(began.elapsed() < WITHIN, "{place}: not within {WITHIN:?}: {what}");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }

    /// A queue that comes to be empty: nothing ready and nothing unacked.
    #[track_caller]
    pub(crate) fn expect_empty(&self, queue: &str) -> impl Future<Output = ()> {
        self.expect(queue, Figures { ready: 0, unacked: 0 })
    }

    /// A queue that comes to have these figures; at a broker that runs somewhere for long enough not to be those of a moment ago.
    #[track_caller]
    pub(crate) fn expect(&self, queue: &str, wanted: Figures) -> impl Future<Output = ()> {
        let place = Location::caller();
        async move {
            if let Self::Test(broker) = self {
                let what = format!("{queue} has {wanted:?} (at {place})");
                return broker.eventually(&what, || self.figures(queue) == Some(wanted)).await;
            }
            let (began, mut since) = (Instant::now(), None);
            loop {
                let found = self.figures(queue);
                if found != Some(wanted) {
                    since = None;
                } else if since.get_or_insert_with(Instant::now).elapsed() > FIGURES_EVERY {
                    return;
                }
                let late = began.elapsed() > WITHIN && since.is_none();
                assert!(!late, "{place}: {queue} is to have {wanted:?} and has {found:?}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }

    /// The ready messages of a queue, none where there is no queue. They stay there. (Not of a queue that a worker reads at the time: at a
    /// broker that runs somewhere they are taken and given back.)
    pub(crate) fn messages(&self, queue: &str) -> Vec<View> {
        match self {
            Self::Test(broker) => broker.messages(queue).into_iter().map(View::from).collect(),
            Self::Real(real) => real.messages(queue),
        }
    }

    /// How many messages of a queue are ready, if there is one.
    pub(crate) fn ready(&self, queue: &str) -> Option<usize> {
        match self {
            Self::Test(broker) => broker.queue(queue).map(|queue| queue.ready),
            Self::Real(real) => real.ready(queue),
        }
    }

    /// How many messages of a queue are ready and how many unacked, if there is one.
    pub(crate) fn figures(&self, queue: &str) -> Option<Figures> {
        match self {
            Self::Test(broker) => broker.queue(queue).map(|queue| Figures {
                ready: queue.ready,
                unacked: usize::try_from(queue.unacked).unwrap(),
            }),
            Self::Real(real) => real.figures(queue),
        }
    }

    /// How many messages of a queue are unacked; 0 where there is no queue.
    pub(crate) fn unacked(&self, queue: &str) -> usize {
        self.figures(queue).map_or(0, |figures| figures.unacked)
    }

    /// The names of all queues, sorted.
    pub(crate) fn queues(&self) -> Vec<String> {
        let mut names = match self {
            Self::Test(broker) => broker.queues().into_iter().map(|queue| queue.name).collect(),
            Self::Real(real) => real.queues(),
        };
        names.sort();
        names
    }
}
