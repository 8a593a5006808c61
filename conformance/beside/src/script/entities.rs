//! Steps with queues, exchanges and bindings, and the names that steps use.

use super::author::{Author, KEYS};
use super::{Act, EXCHANGES, QUEUES, arguments};
use leveret_dialogues::protocol::ShortStr;
use leveret_dialogues::{FieldTable, exchange, queue, s};

impl Author {
    /// A queue, mostly one that was declared.
    pub(super) fn queue(&mut self) -> ShortStr<'static> {
        let names: Vec<_> = self.queues.keys().copied().collect();
        s(match self.random.below(40) {
            0 => "nowhere",
            1 => "",
            2 | 3 => self.random.one(&QUEUES),
            _ if names.is_empty() => "bq0",
            _ => self.random.one(&names),
        })
    }

    /// An exchange, mostly one that was declared.
    pub(super) fn exchange(&mut self) -> ShortStr<'static> {
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
    pub(super) fn two_exchanges(&mut self) -> (ShortStr<'static>, ShortStr<'static>) {
        let (destination, source) = (self.exchange(), self.exchange());
        let lasts = |exchange: ShortStr<'_>| exchange.as_bytes().starts_with(b"amq.");
        if lasts(destination) && lasts(source) { (s("bx0"), source) } else { (destination, source) }
    }

    pub(super) fn key(&mut self) -> ShortStr<'static> {
        s(if self.random.percent(10) { self.random.one(&QUEUES) } else { self.random.one(&KEYS[..5]) })
    }

    pub(super) fn binding_arguments(&mut self, exchange: ShortStr<'_>) -> FieldTable {
        let headers = exchange == "amq.headers"
            || self.exchanges.iter().any(|(name, declare)| exchange == *name && declare.kind == "headers");
        arguments::of_binding(&mut self.random, headers)
    }

    pub(super) fn declare_queue(&mut self) -> Act {
        let random = &mut self.random;
        let name = if random.percent(4) { "" } else { random.one(&QUEUES) };
        let mut declare = match self.queues.get(name) {
            Some(declare) if random.percent(75) => declare.clone(),
            _ => {
                let quorum = self.traits.quorum && random.percent(40);
                queue::Declare {
                    queue: s(name),
                    passive: false,
                    durable: random.percent(if quorum { 97 } else { 40 }),
                    exclusive: random.percent(if quorum { 2 } else { 7 }),
                    auto_delete: random.percent(if quorum { 2 } else { 15 }),
                    no_wait: random.percent(4),
                    arguments: arguments::of_queue(random, quorum, self.traits),
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

    pub(super) fn declare_exchange(&mut self) -> Act {
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
                internal: random.percent(3),
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

    pub(super) fn bind(&mut self) -> Act {
        let (queue, exchange, routing_key) = (self.queue(), self.exchange(), self.key());
        let (no_wait, arguments) = (self.random.percent(4), self.binding_arguments(exchange));
        Act::Method(queue::Bind { queue, exchange, routing_key, no_wait, arguments }.into())
    }
}
