//! Peers that hold something and go no further.

use crate::arena::{Arena, connections_max};
use crate::client::{Client, Event, FRAME_MAX, Outcome, put_publish, short};
use leveret_protocol::methods::basic;
use std::time::Duration;

/// A frame that was begun may cost what arrived of it and a little, for each connection.
pub(super) fn partial_frames(arena: &Arena) -> Outcome<String> {
    const HELD: usize = 32 * 1024;
    let before = arena.broker.rss_mib();
    let mut bytes = Vec::new();
    put_publish(&mut bytes, 1, "nowhere", &vec![0; 64 * 1024]);
    let mut clients = Vec::new();
    for _ in 0..1_000 {
        let mut client = arena.client()?;
        client.send(&bytes[..HELD])?;
        clients.push(client);
    }
    // Others are served meanwhile, and the rest is still welcome.
    for client in &mut clients {
        client.send(&bytes[HELD..])?;
        client.open(2)?;
    }
    let grown = arena.most_mib().saturating_sub(before);
    let each = grown * 1024 / clients.len() as u64;
    if each > 64 {
        return Err(format!("{each} KiB were held for each"));
    }
    Ok(format!("the rest is taken; {each} KiB held for each"))
}

pub(super) fn unfinished_bodies(arena: &Arena) -> Outcome<String> {
    let before = arena.broker.rss_mib();
    let mut bytes = Vec::new();
    let body = vec![0; 10 << 20];
    put_publish(&mut bytes, 1, "nowhere", &body);
    let last = body.len() % (FRAME_MAX as usize - 8) + 8;
    let mut clients = Vec::new();
    for _ in 0..40 {
        let mut client = arena.client()?;
        client.send(&bytes[..bytes.len() - last])?;
        clients.push(client);
    }
    for client in &mut clients {
        client.open(2)?;
    }
    let grown = arena.most_mib().saturating_sub(before);
    // Twice what was sent, while a body grows.
    if grown > 2 * 400 + 16 {
        return Err(format!("{grown} MiB were held for 400 MiB sent"));
    }
    clients.into_iter().for_each(Client::reset);
    Ok(format!("nothing; {grown} MiB held for 400 sent"))
}

pub(super) fn idle(arena: &Arena) -> Outcome<String> {
    let before = arena.broker.rss_mib();
    let count = connections_max().min(5_000);
    let mut clients: Vec<Client> = (0..count).map(|_| arena.client()).collect::<Result<_, _>>()?;
    let grown = arena.broker.rss_mib().saturating_sub(before);
    let each = grown * 1024 / count as u64;
    // Each still works.
    for client in clients.iter_mut().step_by(100) {
        client.open(2)?;
    }
    for client in clients {
        client.close()?;
    }
    if each > 16 {
        return Err(format!("{each} KiB were held for each"));
    }
    Ok(format!("{count} served; {each} KiB held for each"))
}

/// What passes by is gone, though an earlier message of the channel is not settled.
pub(super) fn held_message(arena: &Arena) -> Outcome<String> {
    const BATCH: usize = 1_000;
    let before = arena.broker.rss_mib();
    let mut client = arena.client()?;
    client.declare("held", &[])?;
    client.publish(1, "held", b"held")?;
    client.consume("held", "c", false)?;
    let Event::Delivery { tag: held, .. } = client.event()? else { return Err("no delivery".into()) };
    let mut batch = Vec::new();
    (0..BATCH).for_each(|_| put_publish(&mut batch, 1, "held", b"0123456789abcdef"));
    for _ in 0..1_000_000 / BATCH {
        client.send(&batch)?;
        let mut acks = Vec::new();
        for _ in 0..BATCH {
            match client.event()? {
                Event::Delivery { tag, .. } => {
                    basic::Ack { delivery_tag: tag, multiple: false }.write(1, &mut acks);
                }
                other => return Err(format!("{other:?}")),
            }
        }
        client.send(&acks)?;
    }
    let grown = arena.broker.rss_mib().saturating_sub(before);
    client.send_method(1, basic::Reject { delivery_tag: held, requeue: true })?;
    if !matches!(client.event()?, Event::Delivery { redelivered: true, .. }) {
        return Err("the held message did not come back".into());
    }
    client.send_method(1, basic::Cancel { consumer_tag: short("c"), no_wait: false })?;
    client.wait("basic.cancel-ok")?;
    client.delete("held")?;
    if grown > 8 {
        return Err(format!("{grown} MiB were held for messages long settled"));
    }
    // A connection that goes on living gives back what it needed for a moment.
    arena.eventually(Duration::from_secs(2), || arena.broker.rss_mib() <= before + 4);
    Ok(format!("all delivered; {grown} MiB more"))
}
