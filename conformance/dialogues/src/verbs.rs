//! What most tests do on the way to their point, each with its answer checked.

use crate::event::Delivery;
use crate::{Channel, DEADLINE, basic, confirm, exchange, queue, s, tx};
use leveret_protocol::{FieldTable, Method};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

impl Channel {
    /// Declares an exclusive queue.
    #[track_caller]
    pub fn queue(&self, name: &str) {
        self.queue_with(name, FieldTable::new());
    }

    /// Declares an exclusive queue with arguments.
    #[track_caller]
    pub fn queue_with(&self, name: &str, arguments: FieldTable) {
        self.declare(queue::Declare { queue: s(name), exclusive: true, arguments, ..Default::default() });
    }

    /// Declares a queue that every connection may use.
    #[track_caller]
    pub fn shared_queue(&self, name: &str) {
        self.declare(queue::Declare { queue: s(name), ..Default::default() });
    }

    /// Declares a queue that is empty and has no consumers.
    #[track_caller]
    pub fn declare(&self, declare: queue::Declare<'_>) {
        let queue = declare.queue;
        self.call(declare, queue::DeclareOk { queue, message_count: 0, consumer_count: 0 });
    }

    /// Declares an exclusive queue named by the broker.
    #[track_caller]
    pub fn named_queue(&self) -> String {
        self.send(queue::Declare { exclusive: true, ..Default::default() });
        let event = self.next();
        match event.method() {
            Some(Method::QueueDeclareOk(ok)) => ok.queue.to_string(),
            _ => self.fail("queue.declare-ok"),
        }
    }

    /// Declares an exchange.
    #[track_caller]
    pub fn exchange(&self, name: &str, kind: &str) {
        self.exchange_with(name, kind, FieldTable::new());
    }

    /// Declares an exchange with arguments.
    #[track_caller]
    pub fn exchange_with(&self, name: &str, kind: &str, arguments: FieldTable) {
        let declare = exchange::Declare { exchange: s(name), kind: s(kind), arguments, ..Default::default() };
        self.call(declare, exchange::DeclareOk);
    }

    /// Binds a queue.
    #[track_caller]
    pub fn bind(&self, queue: &str, exchange: &str, key: &str) {
        self.bind_with(queue, exchange, key, FieldTable::new());
    }

    /// Binds a queue with arguments.
    #[track_caller]
    pub fn bind_with(&self, queue: &str, exchange: &str, key: &str, arguments: FieldTable) {
        let (queue, exchange, routing_key) = (s(queue), s(exchange), s(key));
        self.call(queue::Bind { queue, exchange, routing_key, no_wait: false, arguments }, queue::BindOk);
    }

    /// Binds an exchange to another.
    #[track_caller]
    pub fn bind_exchange(&self, destination: &str, source: &str, key: &str) {
        let (destination, source, routing_key) = (s(destination), s(source), s(key));
        self.call(
            exchange::Bind { destination, source, routing_key, ..Default::default() },
            exchange::BindOk,
        );
    }

    /// Messages ready and consumers of a queue.
    #[track_caller]
    pub fn counts(&self, queue: &str) -> (u32, u32) {
        self.send(queue::Declare { queue: s(queue), passive: true, ..Default::default() });
        let event = self.next();
        match event.method() {
            Some(Method::QueueDeclareOk(ok)) => (ok.message_count, ok.consumer_count),
            _ => self.fail(&format!("queue.declare-ok, not {event:?}")),
        }
    }

    /// Expects that so many messages become ready in a queue and stay there: everything sent before has reached the queue, and
    /// none of it comes to this channel. (A RabbitMQ queue may count before it looks at what was published earlier.)
    #[track_caller]
    pub fn expect_ready(&self, queue: &str, ready: u32) {
        let mut last = 0;
        let until = Instant::now() + DEADLINE;
        while Instant::now() < until {
            last = self.counts(queue).0;
            if last == ready {
                self.expect_silence();
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.fail(&format!("{ready} messages ready in {queue}, not {last}"));
    }

    /// Consumes with acknowledgements.
    #[track_caller]
    pub fn consume(&self, queue: &str, tag: &str) {
        self.consume_as(basic::Consume { queue: s(queue), consumer_tag: s(tag), ..Default::default() });
    }

    /// Consumes without acknowledgements.
    #[track_caller]
    pub fn consume_no_ack(&self, queue: &str, tag: &str) {
        let consume =
            basic::Consume { queue: s(queue), consumer_tag: s(tag), no_ack: true, ..Default::default() };
        self.consume_as(consume);
    }

    /// Consumes.
    #[track_caller]
    pub fn consume_as(&self, consume: basic::Consume<'_>) {
        let consumer_tag = consume.consumer_tag;
        self.call(consume, basic::ConsumeOk { consumer_tag });
    }

    /// Ends a consumer.
    #[track_caller]
    pub fn cancel(&self, tag: &str) {
        let consumer_tag = s(tag);
        self.call(basic::Cancel { consumer_tag, no_wait: false }, basic::CancelOk { consumer_tag });
    }

    /// Gets a message, if there is one.
    #[track_caller]
    pub fn get(&self, queue: &str, no_ack: bool) -> Option<Delivery> {
        self.send(basic::Get { queue: s(queue), no_ack });
        let event = self.next();
        match event.method() {
            Some(Method::BasicGetEmpty(_)) => None,
            Some(Method::BasicGetOk(_)) => Delivery::from_event(&event),
            _ => self.fail(&format!("basic.get-ok or basic.get-empty, not {event:?}")),
        }
    }

    /// Gets a message with this body, to be acknowledged.
    #[track_caller]
    pub fn expect_get(&self, queue: &str, body: &str) -> Delivery {
        match self.get(queue, false) {
            Some(delivery) if delivery.body == body.as_bytes() => delivery,
            other => self.fail(&format!("get-ok of {body:?}, not {other:?}")),
        }
    }

    /// Takes everything out of a queue; the bodies in order.
    #[track_caller]
    pub fn drain(&self, queue: &str) -> Vec<String> {
        std::iter::from_fn(|| self.get(queue, true)).map(|delivery| delivery.text()).collect()
    }

    /// Acknowledges one delivery.
    pub fn ack(&self, delivery_tag: u64) {
        self.send(basic::Ack { delivery_tag, multiple: false });
    }

    /// Sets the prefetch.
    #[track_caller]
    pub fn qos(&self, prefetch_count: u16, global: bool) {
        self.call(basic::Qos { prefetch_size: 0, prefetch_count, global }, basic::QosOk);
    }

    /// Turns confirms on.
    #[track_caller]
    pub fn confirm_select(&self) {
        self.call(confirm::Select { no_wait: false }, confirm::SelectOk);
    }

    /// Expects that the broker answers the publishings `first..=last`, each once, in whatever order and however grouped; those
    /// that were refused by `basic.nack`.
    #[track_caller]
    pub fn expect_confirms(&self, first: u64, last: u64) -> Vec<u64> {
        let mut open: BTreeSet<u64> = (first..=last).collect();
        let mut refused = Vec::new();
        while !open.is_empty() {
            let event = self.next();
            let (tag, multiple, ok) = match event.method() {
                Some(Method::BasicAck(ack)) => (ack.delivery_tag, ack.multiple, true),
                Some(Method::BasicNack(nack)) => (nack.delivery_tag, nack.multiple, false),
                _ => self.fail(&format!("confirms of {open:?}, not {event:?}")),
            };
            let answered: Vec<u64> =
                open.iter().copied().filter(|&n| n == tag || (multiple && n < tag)).collect();
            if !answered.contains(&tag) {
                self.fail(&format!("each confirm once, but {tag} is not among {open:?}"));
            }
            answered.iter().for_each(|tag| {
                open.remove(tag);
            });
            if !ok {
                refused.extend(answered);
            }
        }
        refused
    }

    /// Begins transactions.
    #[track_caller]
    pub fn tx_select(&self) {
        self.call(tx::Select, tx::SelectOk);
    }
}
