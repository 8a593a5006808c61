//! A client that does one thing at a time and keeps what it did not ask for until it is looked at.

use super::connect::Stream;
use super::{Connect, Got, Message, Publishing};
use leveret_broker::Broker;
use leveret_protocol::handshake::Tuning;
use leveret_protocol::methods::{basic, channel, confirm, connection, queue};
use leveret_protocol::{Inbound, InboundLimits, Incoming, Method, Role};
use std::collections::VecDeque;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// An open connection with channel 1 open.
pub(crate) struct Client {
    stream: Box<dyn Stream>,
    input: Vec<u8>,
    inbound: Inbound,
    /// What arrived while something else was waited for, in order.
    kept: VecDeque<Got>,
    pub(crate) tuning: Tuning,
}

impl Client {
    pub(crate) async fn to(broker: &Broker) -> Self {
        Connect::default().to(broker).await
    }

    pub(crate) fn new(stream: Box<dyn Stream>, input: Vec<u8>, tuning: Tuning) -> Self {
        let limits =
            InboundLimits { frame_max: tuning.frame_max, message_bytes_max: 1 << 30, channel_max: 0 };
        Self { stream, input, inbound: Inbound::new(Role::Client, limits), kept: VecDeque::new(), tuning }
    }

    /// Sends bytes as they are.
    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// Sends what `write` appends, in one piece.
    pub(crate) async fn send(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut out = Vec::new();
        write(&mut out);
        self.send_bytes(&out).await;
    }

    /// Sends a method that has no answer.
    pub(crate) async fn tell<'m>(&mut self, channel: u16, method: impl Into<Method<'m>>) {
        let method = method.into();
        self.send(|out| method.write(channel, out)).await;
    }

    /// Sends a method and waits for its answer; whatever else arrives meanwhile is kept.
    pub(crate) async fn call<'m>(&mut self, channel: u16, method: impl Into<Method<'m>>) -> Got {
        self.tell(channel, method).await;
        self.answer(channel).await
    }

    /// The next answer on that channel.
    pub(crate) async fn answer(&mut self, channel: u16) -> Got {
        if let Some(at) = self.kept.iter().position(|got| got.answers(channel)) {
            return self.kept.remove(at).unwrap();
        }
        loop {
            let got = self.read().await;
            if got.answers(channel) {
                return got;
            }
            self.kept.push_back(got);
        }
    }

    /// The next thing that arrived or arrives.
    pub(crate) async fn next(&mut self) -> Got {
        match self.kept.pop_front() {
            Some(got) => got,
            None => self.read().await,
        }
    }

    /// Everything that is on its way by now.
    pub(crate) async fn arrived(&mut self) -> Vec<Got> {
        self.settle().await;
        self.kept.drain(..).collect()
    }

    /// The texts of the deliveries that are on their way by now, and nothing else is.
    pub(crate) async fn delivered(&mut self) -> Vec<String> {
        let text = |got| match got {
            Got::Deliver { message, .. } => message.text().to_owned(),
            other => panic!("expected deliveries, got {other:?}"),
        };
        self.arrived().await.into_iter().map(text).collect()
    }

    /// Two round trips on the connection: the first shows it what is due, the second brings the frames that caused.
    pub(crate) async fn settle(&mut self) {
        for _ in 0..2 {
            // Timers and other connections have their turns before this one's question is read.
            tokio::task::yield_now().await;
            self.tell(1, channel::Flow { active: true }).await;
            loop {
                let got = self.read().await;
                match got {
                    Got::Reply("channel.flow-ok") => break,
                    Got::End | Got::Close { channel: 0 | 1, .. } => return self.kept.push_back(got),
                    got => self.kept.push_back(got),
                }
            }
        }
    }

    /// What lies here already, without asking the broker for a sign of life.
    pub(crate) async fn lying_here(&mut self) -> Vec<Got> {
        let mut all: Vec<Got> = self.kept.drain(..).collect();
        while all.last() != Some(&Got::End) {
            tokio::select! {
                biased;
                got = self.read() => all.push(got),
                () = std::future::ready(()) => break,
            }
        }
        all
    }

    /// Takes bytes off the stream without looking at them; the client is of little use after that.
    pub(crate) async fn read_bytes(&mut self, count: usize) {
        self.stream.read_exact(&mut vec![0; count]).await.unwrap();
    }

    async fn read(&mut self) -> Got {
        loop {
            match self.inbound.next(&self.input).unwrap() {
                Some((incoming, used)) => {
                    let got = match incoming {
                        Incoming::Method { channel, method } => Some(Got::method(channel, method)),
                        Incoming::Content { channel, content } => Some(Got::content(channel, &content)),
                        Incoming::Heartbeat => Some(Got::Heartbeat),
                        Incoming::Partial => None,
                    };
                    self.input.drain(..used);
                    if let Some(got) = got {
                        self.answer_close(&got).await;
                        return got;
                    }
                }
                None => match self.stream.read_buf(&mut self.input).await {
                    Ok(0) | Err(_) => return Got::End,
                    Ok(_) => {}
                },
            }
        }
    }

    async fn answer_close(&mut self, got: &Got) {
        let mut out = Vec::new();
        match got {
            Got::Close { channel: 0, .. } => connection::CloseOk.write(0, &mut out),
            Got::Close { channel, .. } => channel::CloseOk.write(*channel, &mut out),
            _ => return,
        }
        // The broker may be gone already.
        let _ = self.stream.write_all(&out).await;
    }

    pub(crate) async fn open(&mut self, channel: u16) {
        assert_eq!(self.call(channel, channel::Open).await, Got::Reply("channel.open-ok"));
    }

    pub(crate) async fn close_channel(&mut self, channel: u16) {
        let close = channel::Close { reply_code: 200, ..Default::default() };
        assert_eq!(self.call(channel, close).await, Got::Reply("channel.close-ok"));
    }

    /// Closes the connection as a client should.
    pub(crate) async fn close(mut self) {
        let close = connection::Close { reply_code: 200, ..Default::default() };
        assert_eq!(self.call(0, close).await, Got::Reply("connection.close-ok"));
    }

    /// Declares a queue; its ready messages and consumers.
    pub(crate) async fn declare(&mut self, declare: queue::Declare<'_>) -> (u32, u32) {
        match self.call(1, declare).await {
            Got::DeclareOk { messages, consumers, .. } => (messages, consumers),
            other => panic!("expected queue.declare-ok, got {other:?}"),
        }
    }

    /// Ready messages and consumers of a queue, without touching it more than a passive declare does.
    pub(crate) async fn count(&mut self, queue: &str) -> (u32, u32) {
        self.declare(queue::Declare { queue: super::short(queue), passive: true, ..Default::default() }).await
    }

    /// Makes channel 1 confirm.
    pub(crate) async fn confirm(&mut self) {
        assert_eq!(self.call(1, confirm::Select::default()).await, Got::Reply("confirm.select-ok"));
    }

    pub(crate) async fn publish(&mut self, publishing: Publishing<'_>) {
        let frame_max = self.tuning.frame_max;
        self.send(|out| publishing.write(1, frame_max, out)).await;
    }

    /// Publishes texts to a queue and waits until they are in it.
    pub(crate) async fn fill(&mut self, queue: &str, texts: &[&str]) {
        for text in texts {
            self.publish(Publishing::to(queue, text)).await;
        }
        self.settle().await;
    }

    /// Consumes on channel 1.
    pub(crate) async fn consume(&mut self, consume: basic::Consume<'_>) {
        let tag = consume.consumer_tag.to_str().unwrap().to_owned();
        assert_eq!(self.call(1, consume).await, Got::ConsumeOk(tag));
    }

    /// `basic.get` on channel 1: delivery tag, whether it is a redelivery, the message.
    pub(crate) async fn get(&mut self, queue: &str, no_ack: bool) -> Option<(u64, bool, Message)> {
        match self.call(1, basic::Get { queue: super::short(queue), no_ack }).await {
            Got::GetOk { tag, redelivered, message, .. } => Some((tag, redelivered, message)),
            Got::GetEmpty => None,
            other => panic!("expected an answer to basic.get, got {other:?}"),
        }
    }

    /// Takes everything out of a queue: its texts in order.
    pub(crate) async fn drain(&mut self, queue: &str) -> Vec<String> {
        let mut texts = Vec::new();
        while let Some((_, _, message)) = self.get(queue, true).await {
            texts.push(message.text().to_owned());
        }
        texts
    }
}
