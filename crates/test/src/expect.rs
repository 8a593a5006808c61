//! Assertions that wait, and say on failure what is needed to understand it.

use crate::broker::TestBroker;
use crate::expect_empty::ExpectEmpty;
use crate::look::MessageView;
use crate::matcher::{Matcher, is_alike};
use leveret_protocol::FieldValue;
use std::fmt::Write as _;
use std::future::{Future, IntoFuture};
use std::panic::Location;
use std::pin::Pin;
use std::time::{Duration, Instant};

/// How long an assertion waits unless told otherwise.
const WITHIN: Duration = Duration::from_secs(5);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// A paused clock of tokio's runs ahead; disks and other threads get so much of the machine's time at least.
const REAL_TIME_MIN: Duration = Duration::from_millis(500);
/// Messages listed in a failure.
pub(crate) const LISTED_MAX: usize = 20;

/// Looks until there is something, or the time is over.
pub(crate) async fn look_until<T>(within: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let (deadline, began) = (tokio::time::Instant::now() + within, Instant::now());
    loop {
        tokio::task::yield_now().await;
        if let Some(found) = look() {
            return Some(found);
        }
        if tokio::time::Instant::now() < deadline {
            tokio::time::sleep(LOOK_EVERY).await;
        } else if began.elapsed() < within.min(REAL_TIME_MIN) {
            let _ = tokio::task::spawn_blocking(|| std::thread::sleep(LOOK_EVERY)).await;
        } else {
            return look();
        }
    }
}

impl TestBroker {
    /// Waits until `condition` holds, looking every millisecond, for 5 s of tokio's clock.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use leveret_test::TestBroker;
    ///
    /// let broker = TestBroker::start().await;
    /// drop(broker.client().await);
    /// broker.eventually("the client has left", || !broker.connections()[0].open).await;
    /// # }
    /// ```
    ///
    /// # Panics
    /// It does not hold by then. The text has `what`, and the broker's state.
    #[track_caller]
    pub fn eventually(&self, what: &str, condition: impl FnMut() -> bool) -> impl Future<Output = ()> {
        self.eventually_within(WITHIN, what, condition)
    }

    /// The same with another deadline.
    ///
    /// # Panics
    /// As [`eventually`](Self::eventually).
    #[track_caller]
    pub fn eventually_within(
        &self,
        within: Duration,
        what: &str,
        mut condition: impl FnMut() -> bool,
    ) -> impl Future<Output = ()> {
        let place = Location::caller();
        async move {
            let held = look_until(within, || condition().then_some(())).await;
            assert!(
                held.is_some(),
                "{place}: expected within {within:?} that {what}\nthe broker:\n{}",
                self.state()
            );
        }
    }

    /// A message that must come to be ready in a queue; `await` it, after saying more of it. It stays in the queue.
    #[track_caller]
    pub fn expect_message(&self, queue: impl Into<String>) -> ExpectMessage {
        ExpectMessage {
            vhost: self.default_vhost().to_owned(),
            broker: self.clone(),
            queue: queue.into(),
            matcher: Matcher::default(),
            within: WITHIN,
            place: Location::caller(),
        }
    }

    /// A queue that must come to be empty: nothing ready and nothing unacked. `await` it.
    #[track_caller]
    pub fn expect_empty(&self, queue: impl Into<String>) -> ExpectEmpty {
        ExpectEmpty::new(self, queue.into(), WITHIN, Location::caller())
    }
}

/// A message that must come; see [`TestBroker::expect_message`]. Awaited, it gives the first message that matches, in the order in
/// which they would leave the queue.
///
/// # Panics
/// When awaited, if none comes in time. The text lists what is in the queue and why it does not match, and the broker's state.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use leveret_client::{Message, PublisherOptions, QueueDeclare};
/// use leveret_test::TestBroker;
///
/// let broker = TestBroker::start().await;
/// let client = broker.client().await;
/// client.channel().await?.queue_declare("orders", QueueDeclare::default()).await?;
/// client.publisher(PublisherOptions::to_queue("orders")).await?.send("two teas").await?;
/// let message = broker
///     .expect_message("orders")
///     .body("two teas")
///     .matching("short", |message| message.body.len() < 10)
///     .await;
/// assert_eq!(message.routing_key, "orders");
/// # Ok(()) }
/// ```
#[must_use = "nothing is expected until it is awaited"]
pub struct ExpectMessage {
    broker: TestBroker,
    vhost: String,
    queue: String,
    matcher: Matcher,
    within: Duration,
    place: &'static Location<'static>,
}

impl ExpectMessage {
    /// With this body.
    pub fn body(self, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref().to_vec();
        let words = format!("with body {:?}", String::from_utf8_lossy(&body));
        self.matching(words, move |message| message.body == body)
    }

    /// Whose body, as text, has this in it.
    pub fn body_containing(self, text: impl Into<String>) -> Self {
        let text = text.into();
        self.matching(format!("with {text:?} in its body"), move |message| message.text().contains(&text))
    }

    /// With this header. Whole numbers of any width are the same, and so are text and bytes.
    pub fn header(self, name: impl Into<String>, value: impl Into<FieldValue>) -> Self {
        let (name, value) = (name.into(), value.into());
        let text = value.as_str().map_or_else(|| format!("{value:?}"), |text| format!("{text:?}"));
        let words = format!("with header {name} = {text}");
        self.matching(words, move |message| message.header(&name).is_some_and(|v| is_alike(v, &value)))
    }

    /// With this routing key.
    pub fn routing_key(self, key: impl Into<String>) -> Self {
        let key = key.into();
        self.matching(format!("with routing key {key:?}"), move |message| message.routing_key == key)
    }

    /// Published to this exchange.
    pub fn exchange(self, exchange: impl Into<String>) -> Self {
        let exchange = exchange.into();
        let words = format!("published to exchange {exchange:?}");
        self.matching(words, move |message| message.exchange == exchange)
    }

    /// For which `holds`; `words` say of it what it then is, for the failure.
    pub fn matching(
        mut self,
        words: impl Into<String>,
        holds: impl Fn(&MessageView) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.matcher.add(words.into(), holds);
        self
    }

    /// In a queue of another virtual host.
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
        let Self { broker, vhost, queue, matcher, within, place } = self;
        let mut text =
            format!("{place}: expected within {within:?} in queue {queue:?} a message{}\n", matcher.words());
        let messages = broker.messages_in(vhost, queue);
        let found = match (broker.queue_in(vhost, queue), messages.len()) {
            (None, _) => format!("there is no such queue in virtual host {vhost:?}"),
            (Some(q), 0) => format!("no message is ready; {} are unacked", q.unacked),
            (Some(_), count) => format!("{count} ready, none matches:"),
        };
        text.push_str(&found);
        for message in messages.iter().take(LISTED_MAX) {
            let _ = write!(text, "\n  {message}: {}", matcher.unmet(message));
        }
        if messages.len() > LISTED_MAX {
            let _ = write!(text, "\n  and {} more", messages.len() - LISTED_MAX);
        }
        let _ = write!(text, "\nthe broker:\n{}", broker.state());
        text
    }
}

impl IntoFuture for ExpectMessage {
    type Output = MessageView;
    type IntoFuture = Pin<Box<dyn Future<Output = MessageView> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let look = || {
                let messages = self.broker.messages_in(&self.vhost, &self.queue);
                messages.into_iter().find(|message| self.matcher.matches(message))
            };
            match look_until(self.within, look).await {
                Some(message) => message,
                None => panic!("{}", self.failure()),
            }
        })
    }
}
