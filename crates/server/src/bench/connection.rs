//! A blocking AMQP connection: handshake, requests and replies, before a load loop takes over its socket.

use super::buffer::{FRAME_MAX, ReadBuffer};
use crate::amqp_url::AmqpUrl;
use leveret_protocol::methods::{channel, connection};
use leveret_protocol::{FieldTable, FieldValue, FrameKind, Method, MethodId, PROTOCOL_HEADER, ShortStr};
use std::io::{self, ErrorKind, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// How long a broker may take to accept or answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// An open connection with its channels open.
pub(crate) struct Connection {
    /// The socket.
    pub(crate) socket: TcpStream,
    /// What was read from it.
    pub(crate) buffer: ReadBuffer,
    /// Largest frame both sides agreed on, in bytes.
    pub(crate) frame_max: u32,
}

impl Connection {
    /// Connects, logs in and opens channels 1 to `channels`. `purpose` names the connection for the broker.
    ///
    /// # Errors
    /// A sentence that says what could not be done, and often what to do.
    pub(crate) fn open(
        url: &AmqpUrl,
        purpose: &str,
        channels: u16,
        buffer_bytes: usize,
    ) -> Result<Connection, String> {
        let socket = connect(url)?;
        let mut opened = Connection { socket, buffer: ReadBuffer::new(buffer_bytes), frame_max: FRAME_MAX };
        opened.log_in(url, purpose)?;
        let mut requests = Vec::new();
        for number in 1..=channels {
            channel::Open.write(number, &mut requests);
        }
        opened.send(&requests)?;
        for _ in 1..=channels {
            opened.wait_for(channel::OpenOk::ID)?;
        }
        Ok(opened)
    }

    fn log_in(&mut self, url: &AmqpUrl, purpose: &str) -> Result<(), String> {
        self.send(&PROTOCOL_HEADER)?;
        let mechanisms = self.receive(|method| match method {
            Method::ConnectionStart(start) => Some(String::from_utf8_lossy(start.mechanisms).into_owned()),
            _ => None,
        })?;
        if !mechanisms.split(' ').any(|mechanism| mechanism == "PLAIN") {
            return Err(format!("the broker does not offer the mechanism PLAIN, only {mechanisms}"));
        }
        let response = format!("\0{}\0{}", url.user, url.password);
        let start_ok = connection::StartOk {
            client_properties: client_properties(purpose),
            mechanism: short("PLAIN")?,
            response: response.as_bytes(),
            locale: short("en_US")?,
        };
        self.request(|out| start_ok.write(0, out))?;
        let mut tune = self.receive(|method| match method {
            Method::ConnectionTune(tune) => Some(tune),
            _ => None,
        })?;
        let offered = if tune.frame_max == 0 { FRAME_MAX } else { tune.frame_max };
        self.frame_max = offered.min(FRAME_MAX);
        tune.frame_max = self.frame_max;
        let answer =
            connection::TuneOk { channel_max: tune.channel_max, frame_max: self.frame_max, heartbeat: 0 };
        let open = connection::Open { virtual_host: short(&url.vhost)? };
        self.request(|out| {
            answer.write(0, out);
            open.write(0, out);
        })?;
        self.wait_for(connection::OpenOk::ID)
    }

    /// Writes frames.
    pub(crate) fn send(&mut self, frames: &[u8]) -> Result<(), String> {
        self.socket.write_all(frames).map_err(|error| {
            // What the broker said before it closed explains more than the failed write.
            self.wait_for(connection::CloseOk::ID)
                .err()
                .filter(|said| said.contains(CLOSED))
                .unwrap_or_else(|| format!("the connection broke while writing: {error}"))
        })
    }

    /// Writes the frames that `write` appends.
    pub(crate) fn request(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<(), String> {
        let mut frames = Vec::new();
        write(&mut frames);
        self.send(&frames)
    }

    /// Reads up to the method with this number, and past everything before it.
    pub(crate) fn wait_for(&mut self, wanted: MethodId) -> Result<(), String> {
        self.receive(|method| (method.id() == wanted).then_some(())).map_err(|problem| {
            if problem == NO_ANSWER { format!("{problem} (waiting for {wanted})") } else { problem }
        })
    }

    /// Reads up to the method that `pick` takes.
    fn receive<T>(&mut self, pick: impl Fn(Method<'_>) -> Option<T>) -> Result<T, String> {
        loop {
            while let Some(frame) = self.buffer.next()? {
                if frame.kind != FrameKind::Method {
                    continue;
                }
                let method = Method::decode(frame.payload).map_err(|error| error.to_string())?;
                refuse_close(&method)?;
                if let Some(found) = pick(method) {
                    return Ok(found);
                }
            }
            match self.buffer.fill(&mut self.socket) {
                Ok(0) => return Err(HUNG_UP.into()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_timeout(&error) => return Err(NO_ANSWER.into()),
                Err(error) => return Err(format!("the connection broke: {error}")),
            }
        }
    }

    /// Says goodbye, and does not mind when the other side is gone.
    pub(crate) fn close(mut self) {
        let _ = self.socket.set_nonblocking(false);
        let _ = self.socket.set_read_timeout(Some(Duration::from_secs(5)));
        let _ = self.socket.set_write_timeout(Some(Duration::from_secs(5)));
        let goodbye = connection::Close {
            reply_code: 200,
            reply_text: ShortStr::truncate("done"),
            class_id: 0,
            method_id: 0,
        };
        if self.request(|out| goodbye.write(0, out)).is_ok() {
            let _ = self.wait_for(connection::CloseOk::ID);
        }
    }
}

const NO_ANSWER: &str = "the broker did not answer within 30 s";
const HUNG_UP: &str = "the broker closed the connection without a word; is it an AMQP 0-9-1 broker, and is there room for one more?";
const CLOSED: &str = "the broker closed the";

/// An error when the method is connection.close or channel.close, or ends a consumer.
pub(crate) fn refuse_close(method: &Method<'_>) -> Result<(), String> {
    let (what, code, text) = match method {
        Method::ConnectionClose(close) => ("connection", close.reply_code, close.reply_text),
        Method::ChannelClose(close) => ("channel", close.reply_code, close.reply_text),
        Method::BasicCancel(cancel) => {
            return Err(format!("the broker cancelled consumer {}: its queue is gone", cancel.consumer_tag));
        }
        _ => return Ok(()),
    };
    let hint = match code {
        403 if what == "connection" => {
            ". Another user: --url amqp://USER:PASSWORD@HOST:PORT/VHOST; guest may log in from the broker's own machine only"
        }
        530 if what == "connection" => {
            ". `leveret vhosts list` shows the virtual hosts, `leveret permissions list` who may enter"
        }
        _ => "",
    };
    Err(format!("{CLOSED} {what}: {code} {text}{hint}"))
}

/// A text that has to fit into 255 bytes.
pub(crate) fn short(text: &str) -> Result<ShortStr<'_>, String> {
    ShortStr::new(text).map_err(|error| format!("`{text}`: {error}"))
}

/// Whether a read or write ended because its time was over.
pub(crate) fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

fn connect(url: &AmqpUrl) -> Result<TcpStream, String> {
    let place = format!("{}:{}", url.host, url.port);
    let addresses = (url.host.as_str(), url.port)
        .to_socket_addrs()
        .map_err(|error| format!("cannot connect to {place}: no address for that name ({error})"))?;
    let mut last = io::Error::from(ErrorKind::NotFound);
    for address in addresses {
        match TcpStream::connect_timeout(&address, ANSWER_TIMEOUT) {
            Ok(socket) => {
                let set = |result: io::Result<()>| result.map_err(|error| format!("{place}: {error}"));
                set(socket.set_nodelay(true))?;
                set(socket.set_read_timeout(Some(ANSWER_TIMEOUT)))?;
                return Ok(socket);
            }
            Err(error) => last = error,
        }
    }
    Err(match last.kind() {
        ErrorKind::ConnectionRefused => {
            format!(
                "cannot connect to {place}: nothing listens there. `leveret` starts a broker; --url names another"
            )
        }
        ErrorKind::TimedOut => format!("cannot connect to {place}: no answer within 30 s"),
        _ => format!("cannot connect to {place}: {last}"),
    })
}

fn client_properties(purpose: &str) -> FieldTable {
    let capabilities =
        ["connection.blocked", "authentication_failure_close", "consumer_cancel_notify", "basic.nack"];
    let mut table = FieldTable::default();
    table.insert("product", "leveret bench");
    table.insert("version", env!("CARGO_PKG_VERSION"));
    table.insert("connection_name", format!("leveret bench {purpose}").as_str());
    let able = capabilities.into_iter().map(|name| (name, FieldValue::Bool(true))).collect::<FieldTable>();
    table.insert("capabilities", FieldValue::Table(able));
    table
}
