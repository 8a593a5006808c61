//! Peers that say nothing.

use crate::arena::Arena;
use crate::broker::HANDSHAKE_TIMEOUT_S;
use crate::client::{Client, Outcome, Wish, dial};
use leveret_protocol::methods::basic;
use std::io::Read as _;
use std::time::{Duration, Instant};

pub(super) fn no_handshake(arena: &Arena) -> Outcome<String> {
    let began = Instant::now();
    let sockets: Vec<_> = (0..500).map(|_| dial(arena.address())).collect::<Result<_, _>>()?;
    for mut socket in sockets {
        let mut said = Vec::new();
        socket.read_to_end(&mut said).map_err(|error| format!("it was not closed: {error}"))?;
        if !said.is_empty() {
            return Err(format!("it got {said:?}"));
        }
    }
    let took = began.elapsed();
    if took > Duration::from_secs(HANDSHAKE_TIMEOUT_S + 2) {
        return Err(format!("they were closed after {took:?}"));
    }
    Ok(format!("end of stream after {:.1} s", took.as_secs_f64()))
}

/// No end of the stream reaches the broker: only missing heartbeats tell it.
pub(super) fn half_open(arena: &Arena) -> Outcome<String> {
    const COUNT: usize = 300;
    let mut owner = arena.client()?;
    owner.declare("half-open", &[])?;
    for _ in 0..COUNT {
        owner.publish(1, "half-open", b"held")?;
    }
    let sockets = arena.broker.sockets();
    let mut vanished: Vec<Client> = Vec::new();
    let began = Instant::now();
    for _ in 0..COUNT {
        let mut client = Client::connect(arena.address(), Wish { heartbeat: 1 })?;
        client.send_method(1, basic::Qos { prefetch_size: 0, prefetch_count: 1, global: false })?;
        client.wait("basic.qos-ok")?;
        client.consume("half-open", "c", false)?;
        vanished.push(client);
    }
    let last = Instant::now();
    if !arena.eventually(Duration::from_secs(5), || arena.broker.sockets() <= sockets) {
        return Err(format!("{} are still connected after 5 s", arena.broker.sockets() - sockets));
    }
    let after = last.elapsed().as_secs_f64();
    let messages = owner.delete("half-open")?;
    if messages as usize != COUNT {
        return Err(format!("{messages} of {COUNT} messages came back"));
    }
    if began.elapsed() < Duration::from_secs(1) {
        return Err("they were closed too early".into());
    }
    Ok(format!("end of stream after {after:.1} s; messages came back"))
}
