//! Makes scripts: mostly what programs do, now and then what they should not.

use super::{Act, EXCHANGES, How, QUEUES, Step, Which, arguments, message};
use crate::random::Random;
use leveret_dialogues::protocol::ShortStr;
use leveret_dialogues::{FieldTable, Method, basic, confirm, exchange, methods, queue, s, tx};
use std::collections::{BTreeMap, BTreeSet};

const TAGS: [&str; 4] = ["t0", "t1", "t2", "t3"];
const KEYS: [&str; 6] = ["a", "b", "a.b", "a.*", "#", "a.b.c"];

/// What the script has said so far, whether or not it was taken.
struct Author {
    random: Random,
    queues: BTreeMap<&'static str, queue::Declare<'static>>,
    exchanges: BTreeMap<&'static str, exchange::Declare<'static>>,
    consumed: BTreeSet<&'static str>,
    /// Whether queues get more than one consumer.
    several: bool,
    /// Whether there are quorum queues.
    quorum: bool,
    messages: usize,
}

/// The script of a seed.
pub(crate) fn script(seed: u64) -> Vec<Step> {
    let mut random = Random::new(seed);
    let connections = random.weighted(&[(4, 1), (4, 2), (2, 3)]);
    let channels = random.weighted(&[(3, 1), (4, 2), (3, 3)]);
    let (several, quorum) = (random.percent(25), random.percent(6));
    let length = 20 + random.below(41);
    let mut author = Author {
        random,
        queues: BTreeMap::new(),
        exchanges: BTreeMap::new(),
        consumed: BTreeSet::new(),
        several,
        quorum,
        messages: 0,
    };
    let mut steps = Vec::new();
    while steps.len() < length {
        let connection = author.random.below(connections);
        let channel = 1 + u16::try_from(author.random.below(channels)).unwrap_or(0);
        let act = if steps.len() < 3 {
            author.declare_queue()
        } else if steps.len() < 6 {
            if author.random.percent(50) { author.declare_exchange() } else { author.bind() }
        } else {
            author.act()
        };
        // A queue's consumer comes before its messages or after them; so do runs of messages.
        let again = matches!(act, Act::Publish(..)) && author.random.percent(40);
        steps.push(Step { connection, channel, act });
        if again {
            let act = author.publish();
            steps.push(Step { connection, channel, act });
        }
    }
    steps
}

/// Kinds of steps.
#[derive(Clone, Copy)]
enum Kind {
    Queue,
    PassiveQueue,
    Exchange,
    PassiveExchange,
    Bind,
    Unbind,
    BindExchange,
    UnbindExchange,
    Publish,
    Get,
    Consume,
    Cancel,
    Qos,
    Settle,
    Recover,
    Purge,
    DeleteQueue,
    DeleteExchange,
    Confirm,
    Select,
    Commit,
    Rollback,
    CloseChannel,
    CloseConnection,
    Forbidden,
}

const KINDS: [(usize, Kind); 25] = [
    (70, Kind::Queue),
    (15, Kind::PassiveQueue),
    (25, Kind::Exchange),
    (6, Kind::PassiveExchange),
    (50, Kind::Bind),
    (12, Kind::Unbind),
    (20, Kind::BindExchange),
    (6, Kind::UnbindExchange),
    (260, Kind::Publish),
    (80, Kind::Get),
    (90, Kind::Consume),
    (25, Kind::Cancel),
    (35, Kind::Qos),
    (140, Kind::Settle),
    (12, Kind::Recover),
    (12, Kind::Purge),
    (22, Kind::DeleteQueue),
    (12, Kind::DeleteExchange),
    (20, Kind::Confirm),
    (14, Kind::Select),
    (22, Kind::Commit),
    (10, Kind::Rollback),
    (14, Kind::CloseChannel),
    (8, Kind::CloseConnection),
    (6, Kind::Forbidden),
];

impl Author {
    fn act(&mut self) -> Act {
        let kind = self.random.weighted(&KINDS);
        match kind {
            Kind::Queue => self.declare_queue(),
            Kind::Exchange => self.declare_exchange(),
            Kind::Bind => self.bind(),
            Kind::Publish => self.publish(),
            Kind::Consume => self.consume(),
            Kind::Settle => self.settle(),
            Kind::CloseConnection => Act::CloseConnection,
            _ => Act::Method(self.method(kind)),
        }
    }

    fn method(&mut self, kind: Kind) -> Method<'static> {
        let no_wait = self.random.percent(4);
        match kind {
            Kind::PassiveQueue => {
                queue::Declare { queue: self.queue(), passive: true, no_wait, ..Default::default() }.into()
            }
            Kind::PassiveExchange => {
                let kind = s(self.random.one(&["direct", "fanout", ""]));
                exchange::Declare { exchange: self.exchange(), kind, passive: true, ..Default::default() }
                    .into()
            }
            Kind::Unbind => {
                let (queue, exchange, routing_key) = (self.queue(), self.exchange(), self.key());
                let arguments = self.binding_arguments(exchange);
                queue::Unbind { queue, exchange, routing_key, arguments }.into()
            }
            Kind::BindExchange => {
                let (destination, source) = self.two_exchanges();
                let (routing_key, arguments) = (self.key(), self.binding_arguments(source));
                exchange::Bind { destination, source, routing_key, no_wait, arguments }.into()
            }
            Kind::UnbindExchange => {
                let (destination, source) = self.two_exchanges();
                let (routing_key, arguments) = (self.key(), self.binding_arguments(source));
                exchange::Unbind { destination, source, routing_key, no_wait, arguments }.into()
            }
            Kind::Get => basic::Get { queue: self.queue(), no_ack: self.random.percent(30) }.into(),
            Kind::Cancel => basic::Cancel { consumer_tag: s(self.random.one(&TAGS)), no_wait }.into(),
            Kind::Qos => {
                let prefetch_count = self.random.one(&[0, 1, 1, 2, 3, 10]);
                basic::Qos { prefetch_size: 0, prefetch_count, global: self.random.percent(40) }.into()
            }
            Kind::Recover if self.random.percent(30) => basic::RecoverAsync { requeue: true }.into(),
            Kind::Recover => basic::Recover { requeue: true }.into(),
            Kind::Purge => queue::Purge { queue: self.queue(), no_wait }.into(),
            Kind::DeleteQueue => {
                let (if_unused, if_empty) = (self.random.percent(25), self.random.percent(25));
                queue::Delete { queue: self.queue(), if_unused, if_empty, no_wait }.into()
            }
            Kind::DeleteExchange => {
                let if_unused = self.random.percent(40);
                exchange::Delete { exchange: self.exchange(), if_unused, no_wait }.into()
            }
            Kind::Confirm => confirm::Select { no_wait }.into(),
            Kind::Select => tx::Select.into(),
            Kind::Commit => tx::Commit.into(),
            Kind::Rollback => tx::Rollback.into(),
            Kind::CloseChannel => {
                methods::channel::Close { reply_code: 200, reply_text: s("bye"), class_id: 0, method_id: 0 }
                    .into()
            }
            _ => match self.random.below(5) {
                0 => basic::Recover { requeue: false }.into(),
                1 => basic::Qos { prefetch_size: 10, prefetch_count: 1, global: false }.into(),
                2 => methods::channel::Flow { active: false }.into(),
                3 => methods::channel::Open.into(),
                _ => exchange::Declare { exchange: s("bx0"), kind: s("x-nothing"), ..Default::default() }
                    .into(),
            },
        }
    }

    /// A queue, mostly one that was declared.
    fn queue(&mut self) -> ShortStr<'static> {
        let names: Vec<_> = self.queues.keys().copied().collect();
        s(match self.random.below(40) {
            0 => "nowhere",
            1 | 2 => "",
            3..6 => self.random.one(&QUEUES),
            _ if names.is_empty() => "bq0",
            _ => self.random.one(&names),
        })
    }

    /// An exchange, mostly one that was declared.
    fn exchange(&mut self) -> ShortStr<'static> {
        let names: Vec<_> = self.exchanges.keys().copied().collect();
        s(match self.random.below(40) {
            0 => "nowhere",
            1 => "",
            2 => "amq.direct",
            3..6 => "amq.fanout",
            6..10 => "amq.topic",
            10 | 11 => "amq.headers",
            12 | 13 => self.random.one(&EXCHANGES),
            _ if names.is_empty() => "amq.topic",
            _ => self.random.one(&names),
        })
    }

    /// Two to bind, of which one at least goes with the script, and the binding with it.
    fn two_exchanges(&mut self) -> (ShortStr<'static>, ShortStr<'static>) {
        let (destination, source) = (self.exchange(), self.exchange());
        let lasts = |exchange: ShortStr<'_>| exchange.as_bytes().starts_with(b"amq.");
        if lasts(destination) && lasts(source) { (s("bx0"), source) } else { (destination, source) }
    }

    fn key(&mut self) -> ShortStr<'static> {
        s(if self.random.percent(10) { self.random.one(&QUEUES) } else { self.random.one(&KEYS[..5]) })
    }

    fn binding_arguments(&mut self, exchange: ShortStr<'_>) -> FieldTable {
        let headers = exchange == "amq.headers"
            || self.exchanges.iter().any(|(name, declare)| exchange == *name && declare.kind == "headers");
        arguments::of_binding(&mut self.random, headers)
    }

    fn declare_queue(&mut self) -> Act {
        let random = &mut self.random;
        let name = if random.percent(4) { "" } else { random.one(&QUEUES) };
        let mut declare = match self.queues.get(name) {
            Some(declare) if random.percent(75) => declare.clone(),
            _ => {
                let quorum = self.quorum && random.percent(40);
                queue::Declare {
                    queue: s(name),
                    passive: false,
                    durable: random.percent(if quorum { 97 } else { 40 }),
                    exclusive: random.percent(if quorum { 2 } else { 15 }),
                    auto_delete: random.percent(if quorum { 2 } else { 15 }),
                    no_wait: random.percent(4),
                    arguments: arguments::of_queue(random, quorum),
                }
            }
        };
        match random.below(40) {
            0 => declare.durable ^= true,
            1 => declare.auto_delete ^= true,
            2 => declare.exclusive ^= true,
            3 => declare.queue = s(random.one(&["amq.mine", "amq.rabbitmq.reply-to", "amq.gen-mine"])),
            _ => {}
        }
        if !name.is_empty() {
            self.queues.insert(name, declare.clone());
        }
        Act::Method(declare.into())
    }

    fn declare_exchange(&mut self) -> Act {
        let random = &mut self.random;
        let name = random.one(&EXCHANGES);
        let mut declare = match self.exchanges.get(name) {
            Some(declare) if random.percent(75) => declare.clone(),
            _ => exchange::Declare {
                exchange: s(name),
                kind: s(random.weighted(&[(4, "direct"), (4, "fanout"), (4, "topic"), (4, "headers")])),
                passive: false,
                durable: random.percent(40),
                auto_delete: random.percent(15),
                internal: random.percent(8),
                no_wait: random.percent(4),
                arguments: arguments::of_exchange(random),
            },
        };
        match random.below(40) {
            0 => declare.durable ^= true,
            1 => declare.auto_delete ^= true,
            2 => declare.internal ^= true,
            3 => declare.kind = s(random.one(&["direct", "fanout", "topic", "headers"])),
            4 => declare.exchange = s(random.one(&["amq.mine", "", "amq.direct", "amq.topic"])),
            _ => {}
        }
        self.exchanges.insert(name, declare.clone());
        Act::Method(declare.into())
    }

    fn bind(&mut self) -> Act {
        let (queue, exchange, routing_key) = (self.queue(), self.exchange(), self.key());
        let (no_wait, arguments) = (self.random.percent(4), self.binding_arguments(exchange));
        Act::Method(queue::Bind { queue, exchange, routing_key, no_wait, arguments }.into())
    }

    fn publish(&mut self) -> Act {
        let (exchange, routing_key) = if self.random.percent(60) {
            (ShortStr::EMPTY, self.queue())
        } else {
            (self.exchange(), s(self.random.one(&KEYS)))
        };
        let mandatory = self.random.percent(30);
        let publish =
            basic::Publish { exchange, routing_key, mandatory, immediate: self.random.below(300) == 0 };
        self.messages += 1;
        let properties = message::properties(&mut self.random);
        Act::Publish(publish, Box::new(properties), message::body(&mut self.random, self.messages))
    }

    fn consume(&mut self) -> Act {
        let mut queue = self.queue();
        if !self.several {
            // Which of several equal consumers gets a message again is not compared.
            let idle: Vec<_> =
                self.queues.keys().copied().filter(|name| !self.consumed.contains(name)).collect();
            match idle.as_slice() {
                [] => return self.settle(),
                idle => queue = s(self.random.one(idle)),
            }
        }
        self.consumed.extend(QUEUES.iter().find(|name| queue == **name));
        let random = &mut self.random;
        let consume = basic::Consume {
            queue,
            consumer_tag: s(if random.percent(5) { "" } else { random.one(&TAGS) }),
            no_local: random.percent(3),
            no_ack: random.percent(25),
            exclusive: random.percent(8),
            no_wait: random.percent(4),
            arguments: arguments::of_consumer(random),
        };
        Act::Method(consume.into())
    }

    fn settle(&mut self) -> Act {
        let random = &mut self.random;
        let (multiple, requeue) = (random.percent(25), random.percent(50));
        let how = match random.below(10) {
            0..5 => How::Ack { multiple },
            5..8 => How::Nack { multiple, requeue },
            _ => How::Reject { requeue },
        };
        let which = match random.below(60) {
            0 => Which::Tag(0),
            1 => Which::Tag(random.one(&[1, 5, 100])),
            _ => Which::Open(random.one(&[0, 0, 0, 1, 1, 2, 3])),
        };
        Act::Settle(how, which)
    }
}
