//! The smallest client: frames written with the protocol crate, replies read one by one.

use leveret_protocol::methods::{basic, channel, connection, queue};
use leveret_protocol::{
    BASIC_CLASS, ContentHeader, FieldTable, FrameKind, Method, PROTOCOL_HEADER, RawProperties, ShortStr,
    parse_frame, put_body,
};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// One connection with channel 1 open.
pub(crate) struct Client {
    socket: TcpStream,
    read: Vec<u8>,
}

fn short(text: &str) -> ShortStr<'_> {
    ShortStr::new(text).unwrap()
}

impl Client {
    /// Logs in as guest.
    pub(crate) fn connect(address: SocketAddr) -> Client {
        let socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut client = Client { socket, read: Vec::new() };
        client.socket.write_all(&PROTOCOL_HEADER).unwrap();
        client.wait(|method| matches!(method, Method::ConnectionStart(_)));
        let start_ok = connection::StartOk {
            client_properties: FieldTable::default(),
            mechanism: short("PLAIN"),
            response: b"\0guest\0guest",
            locale: short("en_US"),
        };
        client.send(|out| start_ok.write(0, out));
        client.wait(|method| matches!(method, Method::ConnectionTune(_)));
        client.send(|out| {
            connection::TuneOk { channel_max: 2047, frame_max: 131_072, heartbeat: 0 }.write(0, out);
            connection::Open { virtual_host: short("/") }.write(0, out);
            channel::Open.write(1, out);
        });
        client.wait(|method| matches!(method, Method::ChannelOpenOk(_)));
        client
    }

    /// Declares a queue.
    pub(crate) fn declare(&mut self, name: &str) {
        let declare = queue::Declare { queue: short(name), ..queue::Declare::default() };
        self.send(|out| declare.write(1, out));
        self.wait(|method| matches!(method, Method::QueueDeclareOk(_)));
    }

    /// Publishes to a queue.
    pub(crate) fn publish(&mut self, queue: &str, body: &[u8]) {
        let publish = basic::Publish { routing_key: short(queue), ..basic::Publish::default() };
        self.send(|out| {
            publish.write(1, out);
            let properties = RawProperties::EMPTY;
            ContentHeader { class_id: BASIC_CLASS, body_size: body.len() as u64, properties }.write(1, out);
            put_body(out, 1, body, 131_072);
        });
    }

    /// Consumes with manual acknowledgement and waits for the first delivery's body.
    pub(crate) fn consume_one(&mut self, queue: &str) -> Vec<u8> {
        let consume = basic::Consume { queue: short(queue), ..basic::Consume::default() };
        self.send(|out| consume.write(1, out));
        self.wait(|method| matches!(method, Method::BasicDeliver(_)));
        loop {
            let (kind, payload) = self.frame().expect("the body of the delivery");
            if kind == FrameKind::Body {
                return payload;
            }
        }
    }

    /// Reads up to the end of the stream; the reply code of connection.close, when there was one.
    pub(crate) fn read_to_close(&mut self) -> Option<u16> {
        let mut code = None;
        while let Some((kind, payload)) = self.frame() {
            if kind == FrameKind::Method
                && let Method::ConnectionClose(close) = Method::decode(&payload).unwrap()
            {
                code = Some(close.reply_code);
                self.send(|out| connection::CloseOk.write(0, out));
            }
        }
        code
    }

    fn send(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut frames = Vec::new();
        write(&mut frames);
        self.socket.write_all(&frames).unwrap();
    }

    fn wait(&mut self, wanted: impl Fn(&Method<'_>) -> bool) {
        loop {
            let (kind, payload) = self.frame().expect("a reply before the end of the stream");
            if kind == FrameKind::Method {
                let method = Method::decode(&payload).unwrap();
                assert!(
                    !matches!(method, Method::ConnectionClose(_) | Method::ChannelClose(_)),
                    "{method:?}"
                );
                if wanted(&method) {
                    return;
                }
            }
        }
    }

    /// The next frame; none at the end of the stream.
    fn frame(&mut self) -> Option<(FrameKind, Vec<u8>)> {
        loop {
            if let Some((frame, length)) = parse_frame(&self.read, 0).unwrap() {
                let found = (frame.kind, frame.payload.to_vec());
                self.read.drain(..length);
                return Some(found);
            }
            let mut piece = [0; 65_536];
            match self.socket.read(&mut piece) {
                Ok(0) => return None,
                Ok(length) => self.read.extend_from_slice(&piece[..length]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("{error}"),
            }
        }
    }
}
