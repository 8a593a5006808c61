//! What a message carries with it on its way through rungs and into the dead letters.
//!
//! Our own headers, because `x-death` is the broker's: it is compressed by queue and reason, and RabbitMQ 4 ignores what clients send of
//! it. What the broker would act upon a second time is put aside: `expiration`, `user-id`, and `CC`, by which a copy would reach
//! other queues.

use leveret_client::{FieldTable, FieldValue, Message, Properties};

use crate::failure::{Failure, truncate};

/// Attempts made, in a copy that waits; the next one has the number after it.
pub(crate) const RETRIES: &str = "x-retry-attempts";
/// Deliveries that ended without a word, where the broker does not count.
pub(crate) const REDELIVERIES: &str = "x-retry-redeliveries";
/// The broker's count of deliveries that failed.
pub(crate) const DELIVERIES: &str = "x-delivery-count";
/// And of all that came back.
const ACQUIRED: &str = "x-acquired-count";
pub(crate) const EXCHANGE: &str = "x-original-exchange";
pub(crate) const ROUTING_KEY: &str = "x-original-routing-key";
pub(crate) const EXPIRATION: &str = "x-original-expiration";
pub(crate) const USER_ID: &str = "x-original-user-id";
pub(crate) const CC: &str = "x-original-cc";
pub(crate) const QUEUE: &str = "x-original-queue";
pub(crate) const ERROR: &str = "x-error";
pub(crate) const REASON: &str = "x-error-reason";
/// In answers: whether an error may be gone later.
pub(crate) const CLASS: &str = "x-error-class";
pub(crate) const ATTEMPTS: &str = "x-attempts";
/// Leveret's broker writes it as well, with the same meaning.
pub(crate) const FIRST_FAILED: &str = "x-first-failed-at";
pub(crate) const LAST_FAILED: &str = "x-last-failed-at";

/// Bytes of an error's text that dead letters carry.
const ERROR_BYTES_MAX: usize = 2048;
/// Bytes of a frame beside the properties, and of the error's own name, generously.
const FRAME_BYTES: usize = 64;

/// A message that failed, as much of it as its copies need.
pub(crate) struct Failed<'a> {
    pub(crate) queue: &'a str,
    pub(crate) exchange: &'a str,
    pub(crate) routing_key: &'a str,
    pub(crate) properties: &'a Properties,
    pub(crate) body: &'a bytes::Bytes,
    pub(crate) attempts: u32,
    /// Seconds since 1970.
    pub(crate) now: u64,
}

impl Failed<'_> {
    /// A copy with where it came from put down, unless an earlier copy did.
    fn copy(&self) -> Message {
        let mut properties = self.properties.clone();
        let mut headers = properties.headers.take().unwrap_or_default();
        let mut once = |name: &'static str, value: FieldValue| {
            if !headers.contains_key(name) {
                headers.insert(name, value);
            }
        };
        once(EXCHANGE, self.exchange.into());
        once(ROUTING_KEY, self.routing_key.into());
        once(FIRST_FAILED, FieldValue::Timestamp(self.now));
        if let Some(expiration) = properties.expiration.take() {
            once(EXPIRATION, expiration.into());
        }
        if let Some(user) = properties.user_id.take() {
            once(USER_ID, user.into());
        }
        if let Some(cc) = headers.remove("CC")
            && !headers.contains_key(CC)
        {
            headers.insert(CC, cc);
        }
        // They are of the delivery that this copy replaces, and counted among its attempts: left in, they would be counted again.
        headers.remove(DELIVERIES);
        headers.remove(ACQUIRED);
        properties.headers = Some(headers);
        Message {
            body: self.body.clone(),
            properties,
            exchange: Some("".into()),
            routing_key: None,
            mandatory: None,
        }
    }

    /// A copy that waits in a rung; `expiration_ms` if it is to leave it before the rung says so.
    pub(crate) fn retry(&self, rung: String, expiration_ms: Option<u128>) -> Message {
        let mut message = self.copy().header(RETRIES, self.attempts).routing_key(rung);
        message.properties.expiration = expiration_ms.map(|ms| ms.to_string());
        // They are among the attempts.
        if let Some(headers) = &mut message.properties.headers {
            headers.remove(REDELIVERIES);
        }
        message
    }

    /// A copy back to the queue it came from, with one more delivery counted that ended without a word.
    pub(crate) fn recount(&self, redeliveries: u32) -> Message {
        self.copy().header(REDELIVERIES, redeliveries).routing_key(self.queue.to_owned())
    }

    /// A dead letter. `frame_max` bounds properties and headers together; what is added is made to fit.
    pub(crate) fn dead(&self, dead: String, failure: &Failure, frame_max: u32) -> Message {
        let mut message = self.copy().routing_key(dead);
        let headers = message.properties.headers.get_or_insert_with(FieldTable::new);
        headers.remove(RETRIES);
        headers.remove(REDELIVERIES);
        let mut reason = failure.reason_word().to_owned();
        truncate(&mut reason, 64);
        headers.insert(REASON, reason);
        headers.insert(ATTEMPTS, i64::from(self.attempts));
        headers.insert(LAST_FAILED, FieldValue::Timestamp(self.now));
        headers.insert(QUEUE, self.queue);
        headers.remove(ERROR);
        let mut used = Vec::new();
        message.properties.encode(&mut used);
        let room = if frame_max == 0 { usize::MAX } else { frame_max as usize };
        let room = room.saturating_sub(used.len() + FRAME_BYTES).min(ERROR_BYTES_MAX);
        let headers = message.properties.headers.get_or_insert_with(FieldTable::new);
        headers.insert(ERROR, failure.chain(room));
        message
    }
}

/// What an earlier copy put down.
pub(crate) fn text<'a>(properties: &'a Properties, name: &str) -> Option<&'a str> {
    properties.headers.as_ref()?.get(name)?.as_str()
}

/// A count of ours or of the broker's. What is no number, or none that makes sense, counts as none.
pub(crate) fn count(properties: &Properties, name: &str) -> Option<u32> {
    u32::try_from(properties.headers.as_ref()?.get(name)?.as_i64()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed<'a>(properties: &'a Properties, body: &'a bytes::Bytes, attempts: u32) -> Failed<'a> {
        Failed {
            queue: "q",
            exchange: "events",
            routing_key: "order.new",
            properties,
            body,
            attempts,
            now: 100 + u64::from(attempts),
        }
    }

    fn header<'a>(message: &'a Message, name: &str) -> Option<&'a FieldValue> {
        message.properties.headers.as_ref().unwrap().get(name)
    }

    #[test]
    fn a_copy_goes_to_one_queue_and_can_be_published_by_us() {
        let cc = FieldValue::Array(vec!["elsewhere".into()]);
        let properties = Properties {
            expiration: Some("60000".into()),
            user_id: Some("somebody".into()),
            headers: Some(FieldTable::from([
                ("CC", cc.clone()),
                (DELIVERIES, 2.into()),
                (ACQUIRED, 2.into()),
            ])),
            ..Properties::default()
        };
        let body = "coffee".into();
        let copy = failed(&properties, &body, 1).retry("q.retry.5s".into(), None);
        assert_eq!((copy.properties.expiration.as_ref(), copy.properties.user_id.as_ref()), (None, None));
        assert_eq!((copy.exchange.as_deref(), copy.routing_key.as_deref()), (Some(""), Some("q.retry.5s")));
        assert_eq!((header(&copy, "CC"), header(&copy, CC)), (None, Some(&cc)));
        assert_eq!(header(&copy, EXPIRATION).unwrap().as_str(), Some("60000"));
        assert_eq!(header(&copy, USER_ID).unwrap().as_str(), Some("somebody"));
        assert_eq!(header(&copy, RETRIES).unwrap().as_i64(), Some(1));
        assert_eq!((header(&copy, DELIVERIES), header(&copy, ACQUIRED)), (None, None), "counted already");
    }

    #[test]
    fn later_copies_keep_what_the_first_put_down() {
        let (properties, body) = (Properties::default(), bytes::Bytes::new());
        let first = failed(&properties, &body, 1).retry("rung".into(), Some(5250)).properties;
        assert_eq!(first.expiration.as_deref(), Some("5250"));
        let returned = Properties { expiration: None, ..first };
        let second = Failed { exchange: "", routing_key: "q", ..failed(&returned, &body, 2) };
        let dead = second.dead("q.dead".into(), &Failure::permanent("no stock").reason("r"), 131_072);
        assert_eq!(header(&dead, EXCHANGE).unwrap().as_str(), Some("events"));
        assert_eq!(header(&dead, ROUTING_KEY).unwrap().as_str(), Some("order.new"));
        assert_eq!(header(&dead, EXPIRATION), None, "the rung's own is not the message's");
        assert_eq!(header(&dead, FIRST_FAILED), Some(&FieldValue::Timestamp(101)));
        assert_eq!(header(&dead, LAST_FAILED), Some(&FieldValue::Timestamp(102)));
        assert_eq!(header(&dead, ATTEMPTS).unwrap().as_i64(), Some(2));
        assert_eq!(header(&dead, RETRIES), None, "a replayed dead letter begins anew");
        assert_eq!(
            (header(&dead, ERROR).unwrap().as_str(), header(&dead, REASON).unwrap().as_str()),
            (Some("no stock"), Some("r"))
        );
    }

    #[test]
    fn an_error_is_cut_to_what_the_frame_has_room_for() {
        let headers = FieldTable::from([("theirs", "x".repeat(1500))]);
        let properties = Properties { headers: Some(headers), ..Properties::default() };
        let (body, failure) = (bytes::Bytes::new(), Failure::permanent("e".repeat(100_000)));
        let at = |frame_max| failed(&properties, &body, 1).dead("dead".into(), &failure, frame_max);
        let length = |message: &Message| header(message, ERROR).unwrap().as_str().unwrap().len();
        assert_eq!([0, 131_072].map(|frame_max| length(&at(frame_max))), [2048; 2]);
        assert_eq!(length(&at(1700)), 0);
        let cut = at(2500);
        let mut encoded = Vec::new();
        cut.properties.encode(&mut encoded);
        assert!(
            length(&cut) > 300 && (2400..2500).contains(&encoded.len()),
            "{} in {}",
            length(&cut),
            encoded.len()
        );
    }
}
