//! Class exchange: declare, delete, bind, unbind.

mod bindings;
mod declare;
mod default;
mod delete;

use leveret_dialogues::*;

fn declare<'a>(name: &'a str, kind: &'a str) -> exchange::Declare<'a> {
    exchange::Declare { exchange: s(name), kind: s(kind), ..Default::default() }
}

fn passive(name: &str) -> exchange::Declare<'_> {
    exchange::Declare { exchange: s(name), passive: true, ..Default::default() }
}

fn delete(name: &str) -> exchange::Delete<'_> {
    exchange::Delete { exchange: s(name), ..Default::default() }
}

#[track_caller]
fn expect_missing(channel: &Channel, name: &str) {
    channel.send(passive(name));
    let text = format!("NOT_FOUND - no exchange '{name}' in vhost '/'");
    channel.expect_close(404, &text, exchange::Declare::ID);
    channel.open();
}
