//! One message on its way: a single allocation that caller and task share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use atomic_waker::AtomicWaker;
use bytes::Bytes;
use leveret_protocol::methods::basic;
use leveret_protocol::{BASIC_CLASS, FrameKind, Properties, RawProperties, ShortStr, begin_frame, put_body};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::error::{Returned, SendError};
use crate::message::Message;

/// Exchange, routing key and properties up to this many bytes lie in the same allocation.
const INLINE: usize = 144;

#[derive(Debug)]
enum Head {
    Inline([u8; INLINE]),
    Heap(Box<[u8]>),
}

const QUEUED: u8 = 0;
const WRITTEN: u8 = 1;
/// Somebody decides the outcome, and nobody else may any more.
const CLAIMED: u8 = 2;
const STORED: u8 = 3;
const FAILED: u8 = 4;

/// A message between `send` and its confirm.
#[derive(Debug)]
pub(crate) struct InFlight {
    state: AtomicU8,
    pub(crate) mandatory: bool,
    exchange_len: u8,
    key_len: u8,
    head_len: u32,
    head: Head,
    pub(crate) body: Bytes,
    /// What it holds of the publisher's bound.
    pub(crate) permit_bytes: u32,
    pub(crate) deadline: Option<Instant>,
    waker: AtomicWaker,
    problem: Mutex<Option<SendError>>,
    returned: Mutex<Option<Box<Returned>>>,
}

impl InFlight {
    pub(crate) fn new(
        exchange: ShortStr<'_>,
        routing_key: ShortStr<'_>,
        properties: &[u8],
        body: Bytes,
        mandatory: bool,
        deadline: Option<Instant>,
        permit_bytes: u32,
    ) -> Self {
        let parts = [exchange.as_bytes(), routing_key.as_bytes(), properties];
        let head_len = parts.iter().map(|part| part.len()).sum::<usize>();
        let head = if head_len <= INLINE {
            let mut inline = [0; INLINE];
            let mut at = 0;
            for part in parts {
                inline[at..at + part.len()].copy_from_slice(part);
                at += part.len();
            }
            Head::Inline(inline)
        } else {
            Head::Heap(parts.concat().into_boxed_slice())
        };
        Self {
            state: AtomicU8::new(QUEUED),
            mandatory,
            exchange_len: exchange.len() as u8,
            key_len: routing_key.len() as u8,
            head_len: head_len as u32,
            head,
            body,
            permit_bytes,
            deadline,
            waker: AtomicWaker::new(),
            problem: Mutex::new(None),
            returned: Mutex::new(None),
        }
    }

    fn head(&self) -> (&[u8], &[u8], &[u8]) {
        let all = match &self.head {
            Head::Inline(inline) => &inline[..self.head_len as usize],
            Head::Heap(heap) => heap,
        };
        let (exchange, rest) = all.split_at(self.exchange_len.into());
        let (key, properties) = rest.split_at(self.key_len.into());
        (exchange, key, properties)
    }

    /// About as many bytes as it takes on the wire.
    pub(crate) fn frame_bytes(&self) -> usize {
        // Publish, header and body frame without what is in them.
        const FRAMES: usize = 50;
        FRAMES + self.head_len as usize + self.body.len()
    }

    /// The message as it was, or would have been, sent.
    pub(crate) fn message(&self) -> Message {
        let (exchange, key, properties) = self.head();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let properties = RawProperties::parse(properties).ok().and_then(|raw| Properties::try_from(raw).ok());
        Message::new(self.body.clone())
            .properties(properties.unwrap_or_default())
            .exchange(text(exchange))
            .routing_key(text(key))
    }

    /// Appends publish, header and body.
    pub(crate) fn write(&self, channel: u16, frame_max: u32, out: &mut Vec<u8>) {
        let (exchange, key, properties) = self.head();
        basic::Publish {
            exchange: ShortStr::from_bytes(exchange).unwrap_or_default(),
            routing_key: ShortStr::from_bytes(key).unwrap_or_default(),
            mandatory: self.mandatory,
            immediate: false,
        }
        .write(channel, out);
        let frame = begin_frame(out, FrameKind::Header, channel);
        out.extend_from_slice(&BASIC_CLASS.to_be_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&(self.body.len() as u64).to_be_bytes());
        out.extend_from_slice(properties);
        frame.end(out);
        put_body(out, channel, &self.body, frame_max);
    }

    /// To be asked before it is written, first or again. `false`: its outcome is decided, and who was told that it was not sent is to
    /// be right.
    pub(crate) fn begin_write(&self) -> bool {
        match self.state.compare_exchange(QUEUED, WRITTEN, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => true,
            Err(state) => state == WRITTEN,
        }
    }

    /// Takes the right to decide the outcome. `Some`: whether it was written before; `None`: it is decided.
    fn claim(&self) -> Option<bool> {
        let mut state = self.state.load(Ordering::Acquire);
        while state < CLAIMED {
            match self.state.compare_exchange_weak(state, CLAIMED, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Some(state == WRITTEN),
                Err(now) => state = now,
            }
        }
        None
    }

    fn decide(&self, outcome: Result<(), SendError>) {
        match outcome {
            Ok(()) => self.state.store(STORED, Ordering::Release),
            Err(error) => {
                *self.problem.lock() = Some(error);
                self.state.store(FAILED, Ordering::Release);
            }
        }
        self.waker.wake();
    }

    pub(crate) fn is_done(&self) -> bool {
        self.state.load(Ordering::Acquire) >= CLAIMED
    }

    pub(crate) fn was_written(&self) -> bool {
        self.state.load(Ordering::Acquire) == WRITTEN
    }

    /// Decides the outcome; only the first decision counts.
    pub(crate) fn complete(&self, outcome: Result<(), SendError>) {
        if self.claim().is_some() {
            self.decide(outcome);
        }
    }

    /// The broker confirmed it; a message that was returned before is not stored anywhere.
    pub(crate) fn confirm(&self) {
        if self.mandatory
            && let Some(returned) = self.returned.lock().take()
        {
            return self.complete(Err(SendError::Unroutable(returned)));
        }
        self.complete(Ok(()));
    }

    /// The connection is gone or the time is up.
    pub(crate) fn give_up(&self, unwritten: SendError) {
        match self.claim() {
            Some(true) => self.decide(Err(SendError::Unconfirmed { maybe_stored: true })),
            Some(false) => self.decide(Err(unwritten)),
            None => {}
        }
    }

    /// Remembers that the broker gave it back.
    pub(crate) fn set_returned(&self, returned: Box<Returned>) {
        *self.returned.lock() = Some(returned);
    }

    /// Whether a returned message is this one. Properties are not compared: a broker strips `BCC`.
    pub(crate) fn matches(
        &self,
        exchange: &[u8],
        key: &[u8],
        properties: Option<&[u8]>,
        body: &[u8],
    ) -> bool {
        let (own_exchange, own_key, own_properties) = self.head();
        self.mandatory
            && own_exchange == exchange
            && own_key == key
            && properties.is_none_or(|properties| own_properties == properties)
            && self.body == body
            && self.returned.lock().is_none()
    }

    /// The outcome, once it is known.
    pub(crate) fn poll(self: &Arc<Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        for attempt in 0..2 {
            match self.state.load(Ordering::Acquire) {
                STORED => return Poll::Ready(Ok(())),
                FAILED => {
                    let problem = self.problem.lock().clone();
                    let unknown = SendError::Unconfirmed { maybe_stored: true };
                    return Poll::Ready(Err(problem.unwrap_or(unknown)));
                }
                _ if attempt == 0 => self.waker.register(cx.waker()),
                _ => {}
            }
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    fn message() -> Arc<InFlight> {
        let (exchange, key) = (ShortStr::default(), ShortStr::default());
        Arc::new(InFlight::new(exchange, key, &[0, 0], Bytes::new(), false, None, 0))
    }

    fn outcome(message: &Arc<InFlight>) -> Poll<Result<(), SendError>> {
        message.poll(&mut Context::from_waker(std::task::Waker::noop()))
    }

    /// Two threads do one thing each to the same message at the same time, many times.
    fn race(
        first: impl Fn(&InFlight) -> bool + Sync,
        second: impl Fn(&InFlight) + Sync,
        check: impl Fn(bool, &Arc<InFlight>),
    ) {
        let rounds: Vec<_> = (0..20_000).map(|_| message()).collect();
        let barrier = Barrier::new(2);
        let answers: Vec<bool> = std::thread::scope(|scope| {
            let ours = scope.spawn(|| {
                let each = |(n, message): (usize, &Arc<InFlight>)| {
                    if n % 64 == 0 {
                        barrier.wait();
                    }
                    first(message)
                };
                rounds.iter().enumerate().map(each).collect()
            });
            for (n, message) in rounds.iter().enumerate() {
                if n % 64 == 0 {
                    barrier.wait();
                }
                second(message);
            }
            ours.join().unwrap()
        });
        answers.iter().zip(&rounds).for_each(|(answer, message)| check(*answer, message));
    }

    /// The accident: a caller that found the channel closed said "not sent" of a message that the task was writing just then.
    #[test]
    fn what_is_said_not_to_be_sent_is_not_written() {
        race(
            InFlight::begin_write,
            |message| message.give_up(SendError::Deadline),
            |written, message| match outcome(message) {
                Poll::Ready(Err(SendError::Unconfirmed { maybe_stored: true })) => assert!(written),
                Poll::Ready(Err(SendError::Deadline)) => assert!(!written),
                other => panic!("{other:?}"),
            },
        );
    }

    #[test]
    fn the_first_outcome_stays() {
        race(
            |message| {
                message.complete(Ok(()));
                let now = message.state.load(Ordering::Acquire);
                now == STORED
            },
            |message| message.complete(Err(SendError::Rejected)),
            |stored, message| match outcome(message) {
                Poll::Ready(Ok(())) => assert!(stored),
                Poll::Ready(Err(SendError::Rejected)) => assert!(!stored),
                other => panic!("{other:?}"),
            },
        );
    }
}
