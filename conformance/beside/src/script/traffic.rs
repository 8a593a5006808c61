//! Steps with messages: published, consumed, settled.

use super::author::{Author, KEYS, TAGS};
use super::{Act, How, QUEUES, Which, arguments, message};
use leveret_dialogues::protocol::ShortStr;
use leveret_dialogues::{basic, s};

impl Author {
    pub(super) fn publish(&mut self) -> Act {
        let (exchange, routing_key) = if self.traits.dead_letters || self.random.percent(60) {
            (ShortStr::EMPTY, self.queue())
        } else {
            (self.exchange(), s(self.random.one(&KEYS)))
        };
        let mandatory = self.random.percent(30);
        let publish =
            basic::Publish { exchange, routing_key, mandatory, immediate: self.random.below(300) == 0 };
        self.messages += 1;
        let properties = message::properties(&mut self.random, self.traits);
        Act::Publish(publish, Box::new(properties), message::body(&mut self.random, self.messages))
    }

    pub(super) fn consume(&mut self) -> Act {
        let mut queue = self.queue();
        if !self.traits.several {
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

    pub(super) fn settle(&mut self) -> Act {
        // What a quorum queue takes back by nack counts as an attempt in 3.10, and no longer from 4.3 on, nor here.
        let (multiple, requeue) = (
            !self.traits.dead_letters && self.random.percent(25),
            !self.traits.quorum && self.random.percent(50),
        );
        let random = &mut self.random;
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
