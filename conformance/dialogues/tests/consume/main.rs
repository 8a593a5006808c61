//! basic.consume, deliver and cancel.

mod cancel;
mod consumers;
mod turns;

use leveret_dialogues::*;

fn consume<'a>(queue: &'a str, tag: &'a str) -> basic::Consume<'a> {
    basic::Consume { queue: s(queue), consumer_tag: s(tag), ..Default::default() }
}
