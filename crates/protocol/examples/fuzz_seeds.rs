//! Writes the fuzz targets' first corpus: `cargo run -p leveret-protocol --example fuzz_seeds -- fuzz/corpus`.
//!
//! Conversations as they should be, for the fuzzer to spoil.

use std::path::{Path, PathBuf};

use leveret_protocol::methods::{basic, channel, connection, exchange, queue, tx};
use leveret_protocol::{
    BASIC_CLASS, ContentHeader, Decimal, FieldTable, FieldValue, Method, PROTOCOL_HEADER, Properties,
    RawProperties, ShortStr, put_body, put_heartbeat,
};

fn table() -> FieldTable {
    let inner = FieldTable::from([("k", FieldValue::from("v"))]);
    let array = vec![FieldValue::U8(1), FieldValue::Void, FieldValue::F64(0.5)];
    FieldTable::from([
        ("x-message-ttl", FieldValue::I32(1000)),
        ("bool", FieldValue::Bool(true)),
        ("long", FieldValue::I64(-1)),
        ("decimal", FieldValue::Decimal(Decimal { scale: 2, value: 314 })),
        ("bytes", FieldValue::ByteArray(vec![0, 255])),
        ("time", FieldValue::Timestamp(1)),
        ("table", inner.into()),
        ("array", array.into()),
    ])
}

fn properties() -> Vec<u8> {
    let mut out = Vec::new();
    Properties {
        content_type: Some("text/plain".into()),
        headers: Some(table()),
        delivery_mode: Some(2),
        expiration: Some("9000".into()),
        timestamp: Some(1),
        app_id: Some("seed".into()),
        ..Properties::default()
    }
    .encode(&mut out);
    out
}

fn message<'a>(channel: u16, method: impl Into<Method<'a>>, body: &[u8], frame_max: u32) -> Vec<u8> {
    let mut out = Vec::new();
    method.into().write(channel, &mut out);
    let properties = properties();
    let properties = RawProperties::parse(&properties).unwrap_or_default();
    ContentHeader { class_id: BASIC_CLASS, body_size: body.len() as u64, properties }
        .write(channel, &mut out);
    put_body(&mut out, channel, body, frame_max);
    out
}

fn methods(methods: &[(u16, Method<'_>)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (channel, method) in methods {
        method.write(*channel, &mut out);
    }
    out
}

fn client_handshake() -> Vec<u8> {
    let mechanism = ShortStr::truncate("PLAIN");
    let start_ok = connection::StartOk { client_properties: table(), mechanism, ..Default::default() };
    let said = methods(&[
        (0, start_ok.into()),
        (0, connection::TuneOk { channel_max: 2047, frame_max: 131_072, heartbeat: 60 }.into()),
        (0, connection::Open { virtual_host: ShortStr::truncate("/") }.into()),
    ]);
    [&PROTOCOL_HEADER[..], &said].concat()
}

fn server_handshake() -> Vec<u8> {
    let start = connection::Start { version_minor: 9, mechanisms: b"PLAIN", ..Default::default() };
    methods(&[
        (0, start.into()),
        (0, connection::Tune { channel_max: 2047, frame_max: 131_072, heartbeat: 60 }.into()),
        (0, connection::OpenOk.into()),
    ])
}

fn client_talk() -> Vec<u8> {
    let queue = ShortStr::truncate("q");
    let mut out = methods(&[
        (1, channel::Open.into()),
        (1, queue::Declare { queue, arguments: table(), ..Default::default() }.into()),
        (1, exchange::Declare { exchange: queue, kind: queue, ..Default::default() }.into()),
        (1, basic::Consume { queue, ..Default::default() }.into()),
        (2, channel::Open.into()),
        (2, tx::Select.into()),
    ]);
    put_heartbeat(&mut out);
    out.extend(message(1, basic::Publish::default(), b"hello", 0));
    out.extend(message(2, basic::Publish::default(), b"hello, hello", 12));
    out.extend(methods(&[(2, channel::Close::default().into()), (0, connection::Close::default().into())]));
    out
}

fn server_talk() -> Vec<u8> {
    let mut out = methods(&[(1, channel::OpenOk.into()), (1, queue::DeclareOk::default().into())]);
    out.extend(message(1, basic::Deliver { delivery_tag: 1, ..Default::default() }, b"hello", 0));
    out.extend(message(1, basic::GetOk::default(), b"hello", 9));
    out.extend(message(1, basic::Return::default(), b"", 9));
    out
}

/// The fuzz target's input: a choice, then pieces behind two bytes of length each.
fn pieces(choice: u8, bytes: &[u8], piece: usize) -> Vec<u8> {
    let mut out = vec![choice];
    for piece in bytes.chunks(piece) {
        out.extend_from_slice(&(piece.len() as u16).to_be_bytes());
        out.extend_from_slice(piece);
    }
    out
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join(name), bytes)
}

fn main() -> std::io::Result<()> {
    let corpus = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "fuzz/corpus".to_owned()));
    let frames = corpus.join("frames");
    write(&frames, "client", &[&[0][..], &client_talk()].concat())?;
    write(&frames, "server", &[&[0][..], &server_talk()].concat())?;
    write(&frames, "properties", &[&[3][..], &properties()].concat())?;
    let mut fields = Vec::new();
    table().encode(&mut fields);
    write(&frames, "table", &[&[4][..], &fields[4..]].concat())?;

    let connection = corpus.join("connection");
    for (name, choice, bytes) in [
        ("server-new", 0, [client_handshake(), client_talk()].concat()),
        ("client-new", 1, [server_handshake(), server_talk()].concat()),
        ("server-open", 4, client_talk()),
        ("client-open", 5, server_talk()),
        ("server-open-by-byte", 4 + 8, client_talk()),
        ("server-open-unlimited", 2, client_talk()),
    ] {
        write(&connection, name, &pieces(choice, &bytes, 100))?;
        write(&connection, &format!("{name}-whole"), &pieces(choice, &bytes, 60_000))?;
    }
    Ok(())
}
