//! Peers that do not read what they asked for.

use crate::arena::Arena;
use crate::client::{Client, Event, Outcome, put_publish, short};
use leveret_protocol::methods::basic;
use std::io::Read as _;
use std::time::{Duration, Instant};

/// Memory that may be held for connections whose peers do not read, in MiB.
const HELD_MIB: u64 = 24;

pub(super) fn slow_readers(arena: &Arena) -> Outcome<String> {
    const BODY: usize = 100_000;
    const COUNT: usize = 2_000;
    let mut owner = arena.client()?;
    owner.declare("slow", &[])?;
    let body = vec![7; BODY];
    let mut batch = Vec::new();
    (0..20).for_each(|_| put_publish(&mut batch, 1, "slow", &body));
    for _ in 0..COUNT / 20 {
        owner.send(&batch)?;
    }
    let ready = owner.declare("slow", &[])? as usize;
    if ready != COUNT {
        return Err(format!("{ready} of {COUNT} messages are in the queue"));
    }
    let full = arena.broker.rss_mib();
    let mut readers: Vec<Client> = Vec::new();
    for no_ack in [false, true] {
        let mut reader = arena.client()?;
        let (queue, consumer_tag) = (short("slow"), short("slow"));
        reader.send_method(1, basic::Consume { queue, consumer_tag, no_ack, ..Default::default() })?;
        readers.push(reader);
    }
    // Another consumer of the same queue is served, and so is a publisher.
    let mut other = arena.client()?;
    other.send_method(1, basic::Qos { prefetch_size: 0, prefetch_count: 10, global: false })?;
    other.wait("basic.qos-ok")?;
    other.consume("slow", "other", false)?;
    let began = Instant::now();
    for taken in 0..500 {
        let Event::Delivery { tag, .. } = other.event()? else {
            return Err(format!("after {taken} deliveries"));
        };
        other.send_method(1, basic::Ack { delivery_tag: tag, multiple: false })?;
        if taken % 20 == 0 {
            owner.publish(1, "slow", &body)?;
        }
    }
    let took = began.elapsed();
    let held = arena.broker.rss_mib().saturating_sub(full);
    // They read a little and stop again: that must not keep the broker busy.
    for reader in &mut readers {
        reader.socket.read_exact(&mut vec![0; 300_000]).map_err(|error| error.to_string())?;
    }
    let busy = busy_percent(arena);
    readers.into_iter().for_each(drop);
    other.close()?;
    owner.delete("slow")?;
    if held > HELD_MIB {
        return Err(format!("{held} MiB were held for them"));
    }
    if took > Duration::from_secs(5) {
        return Err(format!("another consumer waited {took:?} for 500 messages"));
    }
    if busy > 50 {
        return Err(format!("the broker used {busy} % of a processor while they did nothing"));
    }
    Ok(format!("what it reads; {held} MiB held, {busy} % busy"))
}

pub(super) fn unread_gets(arena: &Arena) -> Outcome<String> {
    const COUNT: u64 = 2_000;
    let mut client = arena.client()?;
    client.declare("gets", &[])?;
    client.publish(1, "gets", &vec![7; 2 << 20])?;
    client.declare("gets", &[])?;
    let before = arena.most_mib();
    let mut out = Vec::new();
    for tag in 1..=COUNT {
        basic::Get { queue: short("gets"), no_ack: false }.write(1, &mut out);
        basic::Nack { delivery_tag: tag, multiple: false, requeue: true }.write(1, &mut out);
    }
    client.send(&out)?;
    let busy = busy_percent(arena);
    let held = arena.most_mib().saturating_sub(before);
    // Then it reads after all, and gets everything it asked for, in order.
    const READ: u64 = 200;
    for expected in 1..=READ {
        match client.event()? {
            Event::Got(tag, 2_097_152) if tag == expected => {}
            other => return Err(format!("expected answer {expected}, got {other:?}")),
        }
    }
    client.reset();
    let mut owner = arena.client()?;
    let back =
        arena.eventually(Duration::from_secs(5), || owner.declare("gets", &[]).is_ok_and(|count| count == 1));
    owner.delete("gets")?;
    if !back {
        return Err("the message did not come back".into());
    }
    if held > HELD_MIB {
        return Err(format!("{held} MiB of answers were held"));
    }
    if busy > 50 {
        return Err(format!("the broker used {busy} % of a processor while nothing was read"));
    }
    Ok(format!("answers as it reads them; {held} MiB held"))
}

/// How busy the broker is for a while in which it has hardly anything to do, in percent of one processor.
fn busy_percent(arena: &Arena) -> u64 {
    const WHILE: Duration = Duration::from_millis(400);
    const TICK_MS: u64 = 10;
    std::thread::sleep(Duration::from_millis(50));
    let before = arena.broker.cpu_ticks();
    std::thread::sleep(WHILE);
    (arena.broker.cpu_ticks() - before) * TICK_MS * 100 / WHILE.as_millis() as u64
}
