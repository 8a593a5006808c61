//! Things made and thrown away as fast as they go.

use crate::arena::Arena;
use crate::client::{Client, Outcome, dial, short};
use leveret_protocol::FieldTable;
use leveret_protocol::methods::{basic, channel, queue};
use std::time::Instant;

/// Does something `count` times on several threads; how many of it went in a second.
fn on_threads(count: usize, work: impl Fn() -> Outcome<()> + Sync) -> Outcome<u64> {
    const THREADS: usize = 4;
    let began = Instant::now();
    std::thread::scope(|scope| {
        let each = || (0..count / THREADS).try_for_each(|_| work());
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(each)).collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().map_err(|_| "a thread panicked".to_owned())?)
    })?;
    Ok((count as f64 / began.elapsed().as_secs_f64()) as u64)
}

pub(super) fn connections(arena: &Arena) -> Outcome<String> {
    let rate = on_threads(10_000, || arena.client()?.close())?;
    Ok(format!("open-ok and close-ok each time; {rate} a second"))
}

pub(super) fn sockets(arena: &Arena) -> Outcome<String> {
    let rate = on_threads(10_000, || dial(arena.address()).map(drop))?;
    // Those the broker has not accepted yet are behind this one.
    arena.client()?.close()?;
    Ok(format!("nothing; {rate} a second"))
}

pub(super) fn channels(arena: &Arena) -> Outcome<String> {
    let mut client = arena.client()?;
    let began = Instant::now();
    // One by one, then a thousand at a time.
    for number in 0..5_000 {
        let number = 2 + number % 2_000;
        client.open(number)?;
        close_channel(&mut client, number)?;
    }
    for _ in 0..5 {
        let mut out = Vec::new();
        (2..1_002).for_each(|number| channel::Open.write(number, &mut out));
        client.send(&out)?;
        (2..1_002).try_for_each(|_| client.wait("channel.open-ok").map(drop))?;
        for number in 2..1_002 {
            close_channel(&mut client, number)?;
        }
    }
    let rate = (10_000.0 / began.elapsed().as_secs_f64()) as u64;
    client.close()?;
    Ok(format!("open-ok and close-ok each time; {rate} a second"))
}

fn close_channel(client: &mut Client, number: u16) -> Outcome<()> {
    client.send_method(number, channel::Close { reply_code: 200, ..Default::default() })?;
    client.wait("channel.close-ok").map(drop)
}

/// Queues made, used and deleted on one channel that lives on: nothing may remember them.
pub(super) fn queues(arena: &Arena) -> Outcome<String> {
    const COUNT: u64 = 20_000;
    let mut client = arena.client()?;
    let began = Instant::now();
    let mut first_half = None;
    for number in 0..COUNT {
        let mut out = Vec::new();
        let name = format!("churn-{number}");
        let queue = short(&name);
        let arguments = FieldTable::from([("x-expires", 86_400_000), ("x-message-ttl", 86_400_000)]);
        queue::Declare { arguments, ..client.queue(&name) }.write(1, &mut out);
        crate::client::put_publish(&mut out, 1, &name, b"message");
        basic::Get { queue, no_ack: true }.write(1, &mut out);
        queue::Delete { queue, ..Default::default() }.write(1, &mut out);
        client.send(&out)?;
        client.wait("queue.declare-ok")?;
        if !matches!(client.event()?, crate::client::Event::Got(..)) {
            return Err("the message was not there".into());
        }
        client.wait("queue.delete-ok")?;
        if number == COUNT / 2 {
            first_half = Some(began.elapsed());
        }
    }
    let (first, whole) = (first_half.unwrap_or_default(), began.elapsed());
    client.close()?;
    if whole > 4 * first {
        return Err(format!("it became slower: {first:?} for the first half, {whole:?} for both"));
    }
    Ok(format!("each answer; {:.0} a second", COUNT as f64 / whole.as_secs_f64()))
}

pub(super) fn consumers(arena: &Arena) -> Outcome<String> {
    const COUNT: u64 = 20_000;
    let mut client = arena.client()?;
    client.declare("consumers", &[])?;
    let began = Instant::now();
    for number in 0..COUNT {
        let tag = format!("consumer-{number}");
        let consumer_tag = short(&tag);
        let mut out = Vec::new();
        basic::Consume { queue: short("consumers"), consumer_tag, ..Default::default() }.write(1, &mut out);
        basic::Cancel { consumer_tag, no_wait: false }.write(1, &mut out);
        client.send(&out)?;
        client.wait("basic.consume-ok")?;
        client.wait("basic.cancel-ok")?;
    }
    let rate = (COUNT as f64 / began.elapsed().as_secs_f64()) as u64;
    client.delete("consumers")?;
    client.close()?;
    Ok(format!("each answer; {rate} a second"))
}

pub(super) fn exclusive(arena: &Arena) -> Outcome<String> {
    let rate = on_threads(1_000, || {
        let mut client = arena.client()?;
        for _ in 0..5 {
            client.send_method(1, queue::Declare { exclusive: true, ..client.queue("") })?;
            client.wait("queue.declare-ok")?;
        }
        client.reset();
        Ok(())
    })?;
    Ok(format!("nothing; {rate} a second"))
}
