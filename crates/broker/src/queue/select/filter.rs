//! Which messages are meant.

use super::KeyPattern;
use crate::message::Message;
use leveret_protocol::{FieldValue, RawValue, ShortStr};
use std::ops::RangeInclusive;

/// Bytes of a body that are searched, from its beginning.
pub const BODY_LOOKED_BYTES_MAX: usize = 1024 * 1024;

/// A property that is a short text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TextProperty {
    /// `message-id`
    MessageId,
    /// `correlation-id`
    CorrelationId,
    /// `type`
    Type,
    /// `app-id`
    AppId,
    /// `content-type`
    ContentType,
    /// `user-id`
    UserId,
}

/// Something that holds of a message or does not.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Condition {
    /// Its routing key matches, as a topic exchange would match it.
    RoutingKey(KeyPattern),
    /// It was published to this exchange; empty for the default exchange.
    Exchange(String),
    /// It has a header of this name.
    HeaderExists(String),
    /// It has a header with this value. Integers of all types are compared as numbers, texts as bytes.
    HeaderEquals(String, FieldValue),
    /// A property has this text.
    Property(TextProperty, String),
    /// Its priority; 0 for one that has none.
    Priority(u8),
    /// These bytes are in its body, among the first [`BODY_LOOKED_BYTES_MAX`].
    BodyContains(Vec<u8>),
    /// Its property `timestamp` lies between these, in seconds since 1970. One without a timestamp does not.
    Timestamp(RangeInclusive<u64>),
    /// It died of this once: a `reason` in `x-death`, as `rejected` or `expired`.
    DeathReason(String),
}

impl Condition {
    /// Whether it holds. The body is looked at for [`Condition::BodyContains`] alone.
    #[must_use]
    pub fn matches(&self, message: &Message) -> bool {
        self.matches_as(message, message.exchange(), message.routing_key())
    }

    /// The same, of a message that was published to this exchange with this routing key.
    fn matches_as(&self, message: &Message, exchange: &[u8], routing_key: &[u8]) -> bool {
        let properties = message.properties();
        let header = |name: &str| properties.headers().and_then(|headers| headers.get(name));
        match self {
            Self::RoutingKey(pattern) => pattern.matches(routing_key),
            Self::Exchange(name) => exchange == name.as_bytes(),
            Self::HeaderExists(name) => header(name).is_some(),
            Self::HeaderEquals(name, wanted) => header(name)
                .and_then(|value| value.decode().ok())
                .is_some_and(|value| is_equal(&value, wanted)),
            Self::Property(property, wanted) => {
                let value = match property {
                    TextProperty::MessageId => properties.message_id(),
                    TextProperty::CorrelationId => properties.correlation_id(),
                    TextProperty::Type => properties.kind(),
                    TextProperty::AppId => properties.app_id(),
                    TextProperty::ContentType => properties.content_type(),
                    TextProperty::UserId => properties.user_id(),
                };
                value.map(ShortStr::as_bytes) == Some(wanted.as_bytes())
            }
            Self::Priority(wanted) => message.priority() == *wanted,
            Self::BodyContains(wanted) => {
                let body = message.body();
                contains(body.get(..BODY_LOOKED_BYTES_MAX).unwrap_or(body), wanted)
            }
            Self::Timestamp(range) => properties.timestamp().is_some_and(|seconds| range.contains(&seconds)),
            Self::DeathReason(wanted) => {
                let Some(RawValue::Array(deaths)) = header("x-death") else { return false };
                deaths.iter().map_while(Result::ok).any(|death| {
                    matches!(death, RawValue::Table(death)
                        if death.get("reason") == Some(RawValue::LongString(wanted.as_bytes())))
                })
            }
        }
    }
}

/// Conditions that all hold of the messages that are meant; none of them: every message.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filter(Vec<Condition>);

impl Filter {
    /// Every message.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// With one condition more.
    #[must_use]
    pub fn and(mut self, condition: Condition) -> Self {
        self.0.push(condition);
        self
    }

    /// What has to hold.
    #[must_use]
    pub fn conditions(&self) -> &[Condition] {
        &self.0
    }

    /// Whether it leaves nothing out.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a message is meant. Looks at nothing but the message.
    #[must_use]
    pub fn matches(&self, message: &Message) -> bool {
        self.0.iter().all(|condition| condition.matches(message))
    }

    /// The same, as if it had been published to this exchange with this routing key.
    pub(crate) fn matches_as(&self, message: &Message, exchange: &[u8], routing_key: &[u8]) -> bool {
        self.0.iter().all(|condition| condition.matches_as(message, exchange, routing_key))
    }
}

impl From<Condition> for Filter {
    fn from(condition: Condition) -> Self {
        Self(vec![condition])
    }
}

impl FromIterator<Condition> for Filter {
    fn from_iter<I: IntoIterator<Item = Condition>>(conditions: I) -> Self {
        Self(conditions.into_iter().collect())
    }
}

fn is_equal(value: &FieldValue, wanted: &FieldValue) -> bool {
    match (value.as_i64(), wanted.as_i64(), value.as_bytes(), wanted.as_bytes()) {
        (Some(value), Some(wanted), _, _) => value == wanted,
        (_, _, Some(value), Some(wanted)) => value == wanted,
        _ => value == wanted,
    }
}

/// Knuth, Morris and Pratt's search: what is looked for may come from anybody, and no text makes it slow.
fn contains(body: &[u8], wanted: &[u8]) -> bool {
    if wanted.is_empty() {
        return true;
    }
    // Of the first bytes of `wanted`: how many of them the same bytes end with as well.
    let mut borders = vec![0_usize; wanted.len()];
    for at in 1..wanted.len() {
        let mut border = borders[at - 1];
        while border > 0 && wanted[border] != wanted[at] {
            border = borders[border - 1];
        }
        borders[at] = border + usize::from(wanted[border] == wanted[at]);
    }
    let mut found = 0;
    for byte in body {
        while found > 0 && wanted[found] != *byte {
            found = borders[found - 1];
        }
        found += usize::from(wanted[found] == *byte);
        if found == wanted.len() {
            return true;
        }
    }
    false
}
