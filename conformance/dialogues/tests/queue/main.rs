//! Class queue: declare, bind, purge, delete.

mod arguments;
mod bindings;
mod declare;
mod equivalence;
mod lifetime;

use leveret_dialogues::*;

fn declare(name: &str) -> queue::Declare<'_> {
    queue::Declare { queue: s(name), ..Default::default() }
}

fn exclusive(name: &str) -> queue::Declare<'_> {
    queue::Declare { exclusive: true, ..declare(name) }
}

fn passive(name: &str) -> queue::Declare<'_> {
    queue::Declare { passive: true, ..declare(name) }
}

fn delete(name: &str) -> queue::Delete<'_> {
    queue::Delete { queue: s(name), ..Default::default() }
}

fn declare_ok(name: &str, message_count: u32, consumer_count: u32) -> queue::DeclareOk<'_> {
    queue::DeclareOk { queue: s(name), message_count, consumer_count }
}

#[track_caller]
fn expect_missing(channel: &Channel, queue: &str) {
    channel.send(passive(queue));
    let text = format!("NOT_FOUND - no queue '{queue}' in vhost '/'");
    channel.expect_close(404, &text, queue::Declare::ID);
    channel.open();
}
