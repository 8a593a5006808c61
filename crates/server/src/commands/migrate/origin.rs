//! The exchange that a message came through.
//!
//! Nothing of AMQP puts a message into one queue under the name of an exchange that leads to others as well. So a message keeps its routing
//! key, and reaches the queue through an exchange of the migration's own; what came through the default exchange does so again. The
//! name of another exchange can be told in a header, the one that the toolkit gives what it publishes again (and leaves alone where it is).

use super::marker::PREFIX;
use leveret_client::{Delivery, FieldTable, RawProperties};
use std::borrow::Cow;

/// Header with the name of the exchange.
const HEADER: &str = "x-original-exchange";
/// Headers that lead a message to more queues than the one its routing key names.
const COPIES: [&str; 2] = ["CC", "BCC"];

/// Whether a message that is published to the default exchange is in this queue and in no other.
pub(super) fn as_it_came(queue: &str, delivery: &Delivery) -> bool {
    let has_copies = || {
        let headers = delivery.raw_properties().headers();
        headers.is_some_and(|headers| COPIES.iter().any(|name| headers.get(name).is_some()))
    };
    delivery.exchange().is_empty() && delivery.routing_key_bytes() == queue.as_bytes() && !has_copies()
}

/// The properties with that header, unless they have it, or there is nothing to be told.
pub(super) fn with_exchange<'a>(own: Cow<'a, [u8]>, exchange: &str) -> Cow<'a, [u8]> {
    if exchange.is_empty() || exchange.starts_with(PREFIX) {
        return own;
    }
    let raw = RawProperties::parse(&own).unwrap_or_default();
    let headers = match raw.headers() {
        None => Ok(FieldTable::new()),
        Some(headers) if headers.get(HEADER).is_some() => return own,
        Some(headers) => headers.decode(),
    };
    let Ok(mut headers) = headers else { return own };
    headers.insert(HEADER, exchange);
    let mut bytes = Vec::new();
    raw.write_with_headers(Some(&headers), true, &mut bytes);
    Cow::Owned(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use leveret_client::Properties;

    fn encoded(headers: &[(&'static str, &str)]) -> Vec<u8> {
        let mut table = FieldTable::new();
        headers.iter().for_each(|(name, value)| _ = table.insert(*name, *value));
        let headers = (!table.is_empty()).then_some(table);
        let mut bytes = Vec::new();
        Properties { headers, message_id: Some("1".into()), ..Properties::default() }.encode(&mut bytes);
        bytes
    }

    #[test]
    fn a_message_is_told_the_first_exchange_it_came_through() {
        let told = |headers: &[(&'static str, &str)], exchange: &str| {
            with_exchange(Cow::Owned(encoded(headers)), exchange).into_owned()
        };
        assert_eq!(told(&[], "events"), encoded(&[(HEADER, "events")]));
        assert_eq!(told(&[("a", "b")], "events"), encoded(&[("a", "b"), (HEADER, "events")]));
        // The toolkit's own, or an earlier migration's.
        assert_eq!(told(&[(HEADER, "first")], "events"), encoded(&[(HEADER, "first")]));
        assert_eq!(told(&[], ""), encoded(&[]));
        assert_eq!(told(&[], "leveret.migrate.0123"), encoded(&[]));
    }
}
