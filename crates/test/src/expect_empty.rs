//! The assertion that a queue has nothing left.

use crate::broker::TestBroker;
use crate::expect::{LISTED_MAX, look_until};
use std::fmt::Write as _;
use std::future::{Future, IntoFuture};
use std::panic::Location;
use std::pin::Pin;
use std::time::Duration;

/// A queue that must come to be empty; see [`TestBroker::expect_empty`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use leveret_client::QueueDeclare;
/// use leveret_test::TestBroker;
/// use std::time::Duration;
///
/// let broker = TestBroker::start().await;
/// let client = broker.client().await;
/// client.channel().await?.queue_declare("orders", QueueDeclare::default()).await?;
/// broker.expect_empty("orders").within(Duration::from_secs(1)).await;
/// # Ok(()) }
/// ```
///
/// # Panics
/// When awaited, if it is not in time, or there is no such queue. The text lists what is in the queue, and the broker's state.
#[must_use = "nothing is expected until it is awaited"]
pub struct ExpectEmpty {
    broker: TestBroker,
    vhost: String,
    queue: String,
    within: Duration,
    place: &'static Location<'static>,
}

impl ExpectEmpty {
    pub(crate) fn new(
        broker: &TestBroker,
        queue: String,
        within: Duration,
        place: &'static Location<'static>,
    ) -> Self {
        let vhost = broker.default_vhost().to_owned();
        Self { broker: broker.clone(), vhost, queue, within, place }
    }

    /// A queue of another virtual host.
    pub fn vhost(mut self, vhost: impl Into<String>) -> Self {
        self.vhost = vhost.into();
        self
    }

    /// How long to wait for it, on tokio's clock. Default: 5 s.
    pub fn within(mut self, within: Duration) -> Self {
        self.within = within;
        self
    }

    fn failure(&self) -> String {
        let Self { broker, vhost, queue, within, place } = self;
        let mut text = format!("{place}: expected within {within:?} that queue {queue:?} is empty\n");
        match broker.queue_in(vhost, queue) {
            None => {
                let _ = write!(text, "there is no such queue in virtual host {vhost:?}");
            }
            Some(q) => {
                let _ = write!(text, "{} ready, {} unacked", q.ready, q.unacked);
            }
        }
        for message in broker.messages_in(vhost, queue).iter().take(LISTED_MAX) {
            let _ = write!(text, "\n  {message}");
        }
        let _ = write!(text, "\nthe broker:\n{}", broker.state());
        text
    }
}

impl IntoFuture for ExpectEmpty {
    type Output = ();
    type IntoFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let look = || {
                let queue = self.broker.queue_in(&self.vhost, &self.queue)?;
                (queue.ready == 0 && queue.unacked == 0).then_some(())
            };
            if look_until(self.within, look).await.is_none() {
                panic!("{}", self.failure());
            }
        })
    }
}
