//! Where messages wait: in a delayed exchange, or each in a queue of its own.

use std::borrow::Cow;
use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use leveret_client::{ExchangeDeclare, FieldTable, FieldValue, Message, QueueDeclare};
use parking_lot::Mutex;

use super::{ScheduleError, Scheduled, When};
use crate::codec::Encode;
use crate::mq::Mq;
use crate::publisher::Publisher;
use crate::topology::{Binding, Exchange, Step, Topology, is_there};

/// RabbitMQ's bound on delays and times to live: 2^32 - 1 ms, 49 days. A longer delay of its plugin's would be none at all.
const RABBITMQ_MOST: Duration = Duration::from_millis(u32::MAX as u64);
/// Leveret's: ten years.
const LEVERET_MOST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
/// A queue goes by itself so long after its message was due.
const QUEUE_LINGER: Duration = Duration::from_secs(60);
/// The exchange for messages to queues; of an exchange `x` it is `x.delayed`.
const DELAYED: &str = "leveret.delayed";
/// Keys that are remembered as bound.
const BOUND_MAX: usize = 10_000;

/// What a publisher needs for messages that are sent later; made when the first is.
pub(crate) struct Later {
    mq: Mq,
    /// Delayed exchanges with the keys that are bound to them; and, of messages that wait in queues of their own, where they go: a queue
    /// or an exchange, neither of which such a pair can be taken for.
    bound: Mutex<HashSet<(String, String)>>,
}

impl Later {
    pub(crate) fn new(mq: Mq) -> Self {
        Self { mq, bound: Mutex::default() }
    }

    pub(crate) fn mq(&self) -> &Mq {
        &self.mq
    }

    fn most(&self) -> Duration {
        if self.mq.broker().is_leveret() { LEVERET_MOST } else { RABBITMQ_MOST }
    }

    fn wait(when: When, at_most: Duration) -> Result<(Duration, SystemTime), ScheduleError> {
        let now = SystemTime::now();
        let wanted = when.delay_at(now);
        if wanted > at_most {
            return Err(ScheduleError::TooFar { wanted, at_most });
        }
        Ok((wanted, now + wanted))
    }

    pub(super) async fn send<C: Encode>(
        &self,
        publisher: &Publisher<C>,
        message: Message,
        when: When,
    ) -> Result<Scheduled, ScheduleError> {
        let (wait, due) = Self::wait(when, self.most())?;
        if !self.mq.has_delayed_exchanges().await? {
            return Ok(self.send_alone(publisher, message, when).await?.1);
        }
        let (message, message_id) = named(message);
        let (exchange, key) = publisher.target(&message);
        let delayed = self.delayed(exchange.into_owned(), key.into_owned()).await?;
        let message = message.header("x-delay", millis(wait)).exchange(delayed.0).routing_key(delayed.1);
        // At the time of sending a delayed exchange leads nowhere.
        publisher.send_message(message.mandatory(false)).await?;
        Ok(Scheduled { message_id, due })
    }

    /// The delayed exchange with its key, declared and bound.
    async fn delayed(&self, exchange: String, key: String) -> Result<(String, String), ScheduleError> {
        let delayed = if exchange.is_empty() { DELAYED.to_owned() } else { format!("{exchange}.delayed") };
        // An exchange takes whatever comes; a queue is bound by its name.
        let bound = (delayed.clone(), if exchange.is_empty() { key.clone() } else { String::new() });
        if self.bound.lock().contains(&bound) {
            return Ok((delayed, key));
        }
        let (routes, binding) = if exchange.is_empty() {
            ("direct", Binding::new(&*key, &*delayed, &*key))
        } else {
            ("topic", Binding::to_exchange(&*exchange, &*delayed, "#"))
        };
        let declared = Exchange::new(&*delayed, "x-delayed-message").argument("x-delayed-type", routes);
        self.mq.declare(Topology::from(declared).binding(binding)).await?;
        self.remember(bound);
        Ok((delayed, key))
    }

    fn remember(&self, bound: (String, String)) {
        let mut all = self.bound.lock();
        if all.len() >= BOUND_MAX {
            all.clear();
        }
        all.insert(bound);
    }

    /// A queue with a time to live takes messages for whatever it was told; when they are due the broker drops those for nobody, without
    /// a word to anyone.
    async fn target_is_there(&self, exchange: &str, key: &str) -> Result<(), ScheduleError> {
        let (seen, step) = if exchange.is_empty() {
            let (how, purpose) = (QueueDeclare::default(), String::new());
            ((String::new(), key.to_owned()), Step::Queue { name: key.to_owned(), how, purpose })
        } else {
            let (name, how) = (exchange.to_owned(), ExchangeDeclare::default());
            ((exchange.to_owned(), "*".to_owned()), Step::Exchange { name, kind: "direct".to_owned(), how })
        };
        if !self.bound.lock().contains(&seen) {
            is_there(self.mq.consuming(), &step).await?;
            self.remember(seen);
        }
        Ok(())
    }

    /// In a queue of its own; gives the name of that.
    pub(super) async fn send_alone<C: Encode>(
        &self,
        publisher: &Publisher<C>,
        message: Message,
        when: When,
    ) -> Result<(String, Scheduled), ScheduleError> {
        // The queue has to outlive its message by a little, within the same bound.
        let (wait, due) = Self::wait(when, self.most().saturating_sub(QUEUE_LINGER))?;
        let (message, message_id) = named(message);
        let (exchange, key) = publisher.target(&message);
        self.target_is_there(&exchange, &key).await?;
        let queue = format!("leveret.scheduled.{:032x}", rand::random::<u128>());
        let arguments = FieldTable::from([
            ("x-message-ttl", FieldValue::from(millis(wait))),
            ("x-dead-letter-exchange", (&*exchange).into()),
            ("x-dead-letter-routing-key", (&*key).into()),
            ("x-expires", millis(wait + QUEUE_LINGER).into()),
        ]);
        let how = QueueDeclare { durable: true, arguments, ..QueueDeclare::default() };
        let channel = self.mq.consuming().channel().await?;
        channel.queue_declare_once(&queue, how).await?;
        let message = message.exchange("").routing_key(queue.clone()).mandatory(true);
        if let Err(error) = publisher.send_message(message).await {
            if !error.maybe_stored() {
                // It would go by itself, when its message would have been sent.
                let _ = channel.queue_delete(&queue, Default::default()).await;
            }
            return Err(error.into());
        }
        Ok((queue, Scheduled { message_id, due }))
    }
}

impl<C: Encode> Publisher<C> {
    /// Where a message of this publisher goes: exchange and routing key.
    fn target<'a>(&'a self, message: &'a Message) -> (Cow<'a, str>, Cow<'a, str>) {
        let or =
            |own: &'a Option<Cow<'static, str>>, ours: &'a str| Cow::Borrowed(own.as_deref().unwrap_or(ours));
        (or(&message.exchange, &self.exchange), or(&message.routing_key, &self.routing_key))
    }
}

/// With an id: what waits has to be found.
fn named(mut message: Message) -> (Message, String) {
    let id = message.properties.message_id.get_or_insert_with(|| format!("{:032x}", rand::random::<u128>()));
    let id = id.clone();
    (message, id)
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
