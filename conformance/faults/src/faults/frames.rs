//! Bytes that may not be.

use crate::arena::Arena;
use crate::client::{Client, Outcome, dial, put_publish, short};
use leveret_protocol::methods::{channel, connection};
use leveret_protocol::{FieldTable, PROTOCOL_HEADER, put_body};
use std::io::{Read as _, Write as _};
use std::time::Duration;

/// How often each is done.
const TIMES: usize = 500;

/// Sends the bytes on connections of their own; all must be told the same, which begins with `code`.
fn each_is_told(arena: &Arena, bytes: &[u8], code: u16) -> Outcome<String> {
    let mut told = None;
    for _ in 0..TIMES {
        let mut client = arena.client()?;
        client.send(bytes)?;
        let said = client.farewell()?;
        if !said.starts_with(&code.to_string()) {
            return Err(format!("expected {code}, got: {said}"));
        }
        told.get_or_insert(said);
    }
    Ok(told.unwrap_or_default())
}

pub(super) fn wrong_end(arena: &Arena) -> Outcome<String> {
    each_is_told(arena, b"\x01\x00\x01\x00\x00\x00\x05\x00\x14\x00\x14\x01\xcd", 501)
}

pub(super) fn unknown_kind(arena: &Arena) -> Outcome<String> {
    each_is_told(arena, b"\x63\x00\x01\x00\x00\x00\x00\xce", 501)
}

pub(super) fn oversized(arena: &Arena) -> Outcome<String> {
    let before = arena.broker.rss_mib();
    let told = each_is_told(arena, b"\x03\x00\x01\xff\xff\xff\xff", 501)?;
    let grown = arena.most_mib().saturating_sub(before);
    if grown > 16 { Err(format!("{grown} MiB were allocated for them")) } else { Ok(told) }
}

pub(super) fn wrong_order(arena: &Arena) -> Outcome<String> {
    let mut bytes = Vec::new();
    put_body(&mut bytes, 1, b"body", 0);
    each_is_told(arena, &bytes, 505)
}

pub(super) fn unknown_channel(arena: &Arena) -> Outcome<String> {
    let mut bytes = Vec::new();
    channel::Flow { active: true }.write(2_000, &mut bytes);
    each_is_told(arena, &bytes, 504)
}

pub(super) fn not_amqp(arena: &Arena) -> Outcome<String> {
    for _ in 0..TIMES {
        let mut socket = dial(arena.address())?;
        socket.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").map_err(|error| error.to_string())?;
        let mut answer = Vec::new();
        // What the broker did not read makes it reset; the answer comes first.
        let _ = socket.read_to_end(&mut answer);
        if answer != PROTOCOL_HEADER {
            return Err(format!("got {answer:?}"));
        }
    }
    Ok("AMQP 0 0 9 1, end of stream".into())
}

pub(super) fn wrong_password(arena: &Arena) -> Outcome<String> {
    let clients: Vec<_> = (0..100).map(|_| refused(arena)).collect::<Result<_, _>>()?;
    let mut told = String::new();
    for mut socket in clients {
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer);
        let text = String::from_utf8_lossy(&answer);
        let at = text.find("ACCESS_REFUSED").ok_or("it was not told that it was refused")?;
        told = text[at..].chars().take_while(|c| *c != '.').collect();
    }
    Ok(format!("403 {told}"))
}

fn refused(arena: &Arena) -> Outcome<std::net::TcpStream> {
    let mut socket = dial(arena.address())?;
    let capabilities = FieldTable::from([("authentication_failure_close", true)]);
    let mut out = PROTOCOL_HEADER.to_vec();
    let start_ok = connection::StartOk {
        client_properties: FieldTable::from([("capabilities", capabilities)]),
        mechanism: short("PLAIN"),
        response: b"\0guest\0wrong",
        locale: short("en_US"),
    };
    start_ok.write(0, &mut out);
    connection::CloseOk.write(0, &mut out);
    socket.write_all(&out).map_err(|error| error.to_string())?;
    Ok(socket)
}

pub(super) fn cut(arena: &Arena) -> Outcome<String> {
    let mut owner = arena.client()?;
    owner.declare("cut", &[])?;
    let sockets = arena.broker.sockets();
    let mut bytes = Vec::new();
    put_publish(&mut bytes, 1, "cut", &vec![0; 300_000]);
    let mut clients: Vec<Client> = Vec::new();
    for number in 0..1_000 {
        let mut client = arena.client()?;
        client.send(&bytes[..bytes.len() - 1 - number * 290])?;
        clients.push(client);
        if clients.len() == 50 {
            clients.drain(..).for_each(Client::reset);
        }
    }
    drop(clients);
    let alone = arena.eventually(Duration::from_secs(5), || arena.broker.sockets() <= sockets);
    let messages = owner.delete("cut")?;
    match (alone, messages) {
        (true, 0) => Ok("nothing; no message came of it".into()),
        (_, 0) => Err("the connections are still there".into()),
        _ => Err(format!("{messages} messages were made of unfinished bodies")),
    }
}
