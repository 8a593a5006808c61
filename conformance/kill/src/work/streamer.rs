//! The stream: one publisher, one reader at the end, and after each life everything read from the first offset.
//!
//! What is promised of a stream is more than of a queue: what was confirmed is there, in order, and an offset that somebody saw means
//! the same message for ever.

use super::{Round, leftovers};
use crate::client::{Client, Event, PATIENCE, Trouble, short};
use leveret_protocol::methods::{basic, confirm, queue};
use leveret_protocol::{FieldTable, FieldValue, RawProperties};
use std::collections::VecDeque;
use std::time::Duration;

const STREAM: &str = "k.stream";
/// Unconfirmed messages at most.
const WINDOW: usize = 200;
const PREFETCH: u16 = 1000;

/// What is known of the stream, over all lives.
#[derive(Debug, Default)]
pub(crate) struct Streamed {
    /// Number of the next message.
    next: u64,
    /// Numbers that were confirmed: all of them below `next` but for those whose confirms were lost.
    confirmed: Vec<u64>,
    /// Which message has an offset, as far as anybody saw: by offset.
    seen: Vec<Option<u64>>,
}

impl Streamed {
    /// A delivery. The words for what is wrong with it.
    fn see(&mut self, offset: u64, number: u64) -> Result<(), String> {
        let at = offset as usize;
        if self.seen.len() <= at {
            self.seen.resize(at + 1, None);
        }
        match self.seen[at].replace(number) {
            Some(before) if before != number => {
                Err(format!("offset {offset} was message {before} and is message {number}"))
            }
            _ => Ok(()),
        }
    }
}

fn declare() -> queue::Declare<'static> {
    // Small segments: the summaries of many chunks are to survive.
    let arguments = FieldTable::from([
        ("x-queue-type", FieldValue::from("stream")),
        ("x-stream-max-segment-size-bytes", FieldValue::from(100_000)),
    ]);
    queue::Declare { queue: short(STREAM), durable: true, arguments, ..Default::default() }
}

fn consume(client: &mut Client, offset: &str) -> Result<(), Trouble> {
    client.call(1, basic::Qos { prefetch_count: PREFETCH, ..Default::default() }, "basic.qos-ok")?;
    let arguments = FieldTable::from([("x-stream-offset", offset)]);
    let consume = basic::Consume { queue: short(STREAM), arguments, ..Default::default() };
    client.call(1, consume, "basic.consume-ok").map(drop)
}

/// Reads everything there is and compares with what is known.
pub(crate) fn look(client: &mut Client, streamed: &mut Streamed) -> Result<(), Trouble> {
    let count = u64::from(client.call(1, declare(), "queue.declare-ok")?);
    let mut found: Vec<u64> = Vec::new();
    // The last message tells that there are no more; what a crash took from between is not counted on.
    let last = count.saturating_sub(1);
    if count > 0 {
        consume(client, "first")?;
        loop {
            let Some(Event::Streamed { tag, offset, body }) = client.event(PATIENCE)? else {
                return Err(Trouble::Wrong(format!(
                    "{STREAM} holds {count} messages; after {} of them none come",
                    found.len()
                )));
            };
            let number = parse(&body)?;
            streamed.see(offset, number).map_err(Trouble::Wrong)?;
            if found.last().is_some_and(|before| *before >= number) {
                return Err(Trouble::Wrong(format!(
                    "{STREAM}: message {number} comes after {:?}",
                    found.last()
                )));
            }
            found.push(number);
            if offset == last {
                break;
            }
            if tag.is_multiple_of(u64::from(PREFETCH) / 4) {
                client.put(1, basic::Ack { delivery_tag: tag, multiple: true });
                client.flush()?;
            }
        }
    }
    match streamed.confirmed.iter().find(|number| found.binary_search(number).is_err()) {
        Some(lost) => Err(Trouble::Wrong(format!("{STREAM}: message {lost} was confirmed and is not there"))),
        None => Ok(()),
    }
}

fn parse(body: &[u8]) -> Result<u64, Trouble> {
    let number = std::str::from_utf8(body).ok().and_then(|text| text.split(' ').next()?.parse().ok());
    number.ok_or_else(|| Trouble::Wrong(format!("{STREAM}: a message with a body of nobody: {body:?}")))
}

pub(super) fn run(round: &Round) {
    let end = Client::connect(round.address).and_then(|mut client| {
        let mut waiting = VecDeque::new();
        let end = publish(round, &mut client, &mut waiting);
        if end.is_ok() {
            client.hang_up();
        }
        let mut wrong = None;
        leftovers(&mut client, |event| {
            let heard = heard(&event, &mut round.streamed.lock(), &mut waiting);
            wrong = wrong.take().or(heard.err());
        });
        wrong.map_or(end, |text| Err(Trouble::Wrong(text)))
    });
    round.ended("the stream's publisher", &end);
}

/// Numbers on the channel and of messages that are not confirmed yet.
type Waiting = VecDeque<(u64, u64)>;

/// Publishes with confirms, and reads its own messages at the end of the log.
fn publish(round: &Round, client: &mut Client, waiting: &mut Waiting) -> Result<(), Trouble> {
    consume(client, "next")?;
    client.call(1, confirm::Select::default(), "confirm.select-ok")?;
    let mut tag = 0;
    while !round.stopping() {
        for _ in 0..10 {
            let number = {
                let mut streamed = round.streamed.lock();
                streamed.next += 1;
                streamed.next - 1
            };
            tag += 1;
            waiting.push_back((tag, number));
            let body = format!("{number} {}", "x".repeat(number as usize % 300));
            client.put_publish(1, "", STREAM, false, RawProperties::EMPTY, body.as_bytes());
        }
        client.flush()?;
        loop {
            // One that may not publish more waits for as long as it takes.
            let patience = if waiting.len() < WINDOW { Duration::from_millis(1) } else { PATIENCE };
            let Some(event) = client.event(patience)? else {
                if waiting.len() < WINDOW {
                    break;
                }
                return Err(Trouble::Wrong(format!(
                    "{STREAM}: {} messages are not confirmed",
                    waiting.len()
                )));
            };
            if let Event::Streamed { tag, .. } = &event
                && tag.is_multiple_of(100)
            {
                client.put(1, basic::Ack { delivery_tag: *tag, multiple: true });
            }
            heard(&event, &mut round.streamed.lock(), waiting).map_err(Trouble::Wrong)?;
            if waiting.len() < WINDOW / 2 {
                break;
            }
        }
    }
    Ok(())
}

fn heard(event: &Event, streamed: &mut Streamed, waiting: &mut Waiting) -> Result<(), String> {
    match event {
        Event::Streamed { offset, body, .. } => {
            let number = parse(body).map_err(|trouble| trouble.to_string())?;
            streamed.see(*offset, number)
        }
        Event::Confirm { tag, multiple, stored: true } => {
            let Some(at) = waiting.iter().position(|(waiting, _)| waiting == tag) else {
                return Err(format!("{STREAM}: a confirm for number {tag}, which nobody waits for"));
            };
            streamed
                .confirmed
                .extend(waiting.drain(if *multiple { 0..=at } else { at..=at }).map(|(_, n)| n));
            Ok(())
        }
        Event::Confirm { stored: false, .. } => Ok(()),
        other => Err(format!("{STREAM}: its publisher got {other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_one_message_for_ever() {
        let mut streamed = Streamed::default();
        assert_eq!((streamed.see(2, 7), streamed.see(2, 7), streamed.see(0, 5)), (Ok(()), Ok(()), Ok(())));
        assert!(streamed.see(2, 8).is_err());
    }

    #[test]
    fn confirms_are_noted_alone_or_in_ranges() {
        let (mut streamed, mut waiting) = (Streamed::default(), Waiting::from([(1, 10), (2, 11), (3, 12)]));
        let confirm = |tag, multiple| Event::Confirm { tag, multiple, stored: true };
        assert_eq!(heard(&confirm(2, true), &mut streamed, &mut waiting), Ok(()));
        assert_eq!((streamed.confirmed.clone(), waiting.len()), (vec![10, 11], 1));
        assert!(heard(&confirm(2, false), &mut streamed, &mut waiting).is_err());
    }
}
