//! Fills a stream of a broker and has many consumers read all of it, each from the first offset: messages per second.
//!
//! `cargo run --release -p leveret-broker --example stream_replay -- fill 127.0.0.1:5672 10000000 100`: messages, bytes of a body
//! `cargo run --release -p leveret-broker --example stream_replay -- read 127.0.0.1:5672 10000000 10`: messages, consumers
//!
//! Any broker that speaks AMQP 0-9-1 and has streams will do. The figures are the wall clock's; memory is asked of the system.

use leveret_protocol::methods::{basic, channel, confirm, connection, queue};
use leveret_protocol::{
    BASIC_CLASS, ContentHeader, FRAME_OVERHEAD, FieldTable, Method, PROTOCOL_HEADER, RawProperties, ShortStr,
    put_body,
};
use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Instant;

type Failure = Box<dyn Error + Send + Sync>;

const STREAM: &str = "replay";
/// Publishings written together; unconfirmed ones at most; deliveries acknowledged together; prefetch count.
const BATCH: u64 = 500;
const WINDOW: u64 = 20_000;
const ACK_EVERY: u64 = 2000;
const PREFETCH: u16 = 8000;

/// A connection with channel 1 open.
struct Client {
    socket: TcpStream,
    input: Vec<u8>,
    at: usize,
}

fn short(text: &str) -> ShortStr<'_> {
    ShortStr::truncate(text)
}

impl Client {
    fn connect(address: &str) -> Result<Self, Failure> {
        let socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        let mut client = Self { socket, input: Vec::new(), at: 0 };
        client.socket.write_all(&PROTOCOL_HEADER)?;
        client.reply()?;
        let response = b"\0guest\0guest";
        let (mechanism, locale) = (short("PLAIN"), short("en_US"));
        let client_properties = FieldTable::new();
        client.tell(0, connection::StartOk { client_properties, mechanism, response, locale })?;
        client.reply()?;
        client.tell(0, connection::TuneOk { channel_max: 2047, frame_max: 131_072, heartbeat: 0 })?;
        client.call(0, connection::Open { virtual_host: short("/") })?;
        client.call(1, channel::Open)?;
        Ok(client)
    }

    fn tell<'m>(&mut self, channel: u16, method: impl Into<Method<'m>>) -> Result<(), Failure> {
        let mut out = Vec::new();
        method.into().write(channel, &mut out);
        Ok(self.socket.write_all(&out)?)
    }

    fn call<'m>(&mut self, channel: u16, method: impl Into<Method<'m>>) -> Result<(), Failure> {
        self.tell(channel, method)?;
        self.reply()
    }

    /// Waits for a method frame.
    fn reply(&mut self) -> Result<(), Failure> {
        while self.frame()?.0 != 1 {}
        Ok(())
    }

    /// The next frame: its type and where its payload lies.
    fn frame(&mut self) -> Result<(u8, std::ops::Range<usize>), Failure> {
        loop {
            if let Some([kind, _, _, a, b, c, d]) = self.input.get(self.at..self.at + 7) {
                let size = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
                let (kind, start, end) = (*kind, self.at + 7, self.at + size + FRAME_OVERHEAD);
                if self.input.len() >= end {
                    self.at = end;
                    return Ok((kind, start..start + size));
                }
            }
            self.input.drain(..std::mem::take(&mut self.at));
            let end = self.input.len();
            self.input.resize(end + 256 * 1024, 0);
            let count = self.socket.read(&mut self.input[end..])?;
            self.input.truncate(end + count);
            if count == 0 {
                return Err("the broker closed the connection".into());
            }
        }
    }

    /// Class and method of a method frame's payload.
    fn id(&self, payload: &std::ops::Range<usize>) -> (u16, u16) {
        match self.input[payload.clone()] {
            [a, b, c, d, ..] => (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])),
            _ => (0, 0),
        }
    }
}

fn fill(address: &str, count: u64, bytes: usize) -> Result<(), Failure> {
    let mut client = Client::connect(address)?;
    let arguments = FieldTable::from([("x-queue-type", "stream")]);
    client
        .call(1, queue::Declare { queue: short(STREAM), durable: true, arguments, ..Default::default() })?;
    client.call(1, confirm::Select::default())?;
    let mut one = Vec::new();
    basic::Publish { routing_key: short(STREAM), ..Default::default() }.write(1, &mut one);
    let properties = RawProperties::EMPTY;
    ContentHeader { class_id: BASIC_CLASS, body_size: bytes as u64, properties }.write(1, &mut one);
    put_body(&mut one, 1, &vec![b'x'; bytes], 131_072);
    let batch = one.repeat(BATCH as usize);
    let (began, mut sent, mut confirmed) = (Instant::now(), 0, 0);
    while confirmed < count {
        while sent < count && sent - confirmed < WINDOW {
            client.socket.write_all(&batch)?;
            sent += BATCH;
        }
        let (_, payload) = client.frame()?;
        if client.id(&payload) != (60, 80) {
            return Err("something else than a confirm came".into());
        }
        let mut tag = [0; 8];
        tag.copy_from_slice(&client.input[payload.start + 4..payload.start + 12]);
        let is_multiple = client.input[payload.start + 12] & 1 == 1;
        confirmed = if is_multiple { u64::from_be_bytes(tag) } else { confirmed + 1 };
    }
    writeln!(
        std::io::stdout(),
        "filled with {sent} messages of {bytes} bytes: {:.0}/s",
        sent as f64 / began.elapsed().as_secs_f64()
    )?;
    Ok(())
}

fn read(address: &str, count: u64) -> Result<(), Failure> {
    let mut client = Client::connect(address)?;
    client.call(1, basic::Qos { prefetch_count: PREFETCH, ..Default::default() })?;
    let arguments = FieldTable::from([("x-stream-offset", "first")]);
    client.call(1, basic::Consume { queue: short(STREAM), arguments, ..Default::default() })?;
    let mut got = 0;
    while got < count {
        let (kind, payload) = client.frame()?;
        if kind == 1 && client.id(&payload) == (60, 60) {
            got += 1;
            if got.is_multiple_of(ACK_EVERY) {
                client.tell(1, basic::Ack { delivery_tag: got, multiple: true })?;
            }
        }
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [what, address, count, number] = &words[..] else {
        return Err("say fill|read, address, messages, and bytes of a body or consumers".into());
    };
    let (count, number): (u64, u64) = (count.parse()?, number.parse()?);
    if what == "fill" {
        return fill(address, count, number as usize);
    }
    let began = Instant::now();
    let spread = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..number)
            .map(|_| scope.spawn(move || read(address, count).map(|()| began.elapsed().as_secs_f64())))
            .collect();
        let mut times = Vec::new();
        for reader in readers {
            times.push(reader.join().map_err(|_| Failure::from("a consumer failed"))??);
        }
        Ok::<_, Failure>(times)
    })?;
    let (first, last) = spread.iter().fold((f64::MAX, 0_f64), |(a, b), time| (a.min(*time), b.max(*time)));
    writeln!(
        std::io::stdout(),
        "{number} consumers read {count} messages each: {:.0}/s together, the first after {first:.1} s, the last after {last:.1} s",
        (count * number) as f64 / last
    )?;
    Ok(())
}
