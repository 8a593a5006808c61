//! What routing knows of a message, and the routing keys it has.

use std::iter;

use leveret_protocol::{RawProperties, RawTable, RawValue};

use crate::refusal::Refusal;

/// What routing may look at. Nothing is copied.
#[derive(Debug, Clone, Copy)]
pub struct Publication<'a> {
    /// The exchange it was published to; empty for the default exchange.
    pub exchange: &'a str,
    /// The routing key: at most 255 bytes, not necessarily UTF-8.
    pub routing_key: &'a [u8],
    /// The properties as they were sent.
    pub properties: RawProperties<'a>,
    /// It waited in the timetable of the exchange it was published to, which is to route it now.
    pub is_due: bool,
    /// Which exchanges that drop duplicates have let it pass.
    pub passed: Passed,
}

/// Which exchanges that drop duplicates have looked at a message and let it pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Passed {
    /// None.
    #[default]
    No,
    /// The one that it is published to.
    First,
    /// All: it is only asked where a message would go.
    All,
}

impl<'a> Publication<'a> {
    /// One that comes from a client, or from the broker itself.
    #[inline]
    pub fn new(exchange: &'a str, routing_key: &'a [u8], properties: RawProperties<'a>) -> Self {
        Self { exchange, routing_key, properties, is_due: false, passed: Passed::No }
    }

    /// The same, after it has waited in the timetable of its exchange.
    #[inline]
    pub(crate) fn due(self) -> Self {
        Self { is_due: true, ..self }
    }

    /// The same, after the gate of its exchange let it pass.
    #[inline]
    pub(crate) fn past_gate(self) -> Self {
        Self { passed: Passed::First, ..self }
    }

    /// Whether the message names further routing keys in its headers `CC` or `BCC`.
    ///
    /// Ask this before a route found earlier for the same exchange and routing key is used again.
    #[inline]
    pub fn has_sender_selected_keys(&self) -> bool {
        self.properties.headers().is_some_and(|headers| {
            headers.iter().map_while(Result::ok).any(|(name, _)| matches!(name.as_bytes(), b"CC" | b"BCC"))
        })
    }
}

/// Every routing key of a message: its own, then those of `CC`, then those of `BCC`
/// (RabbitMQ, "Sender-selected Distribution").
#[derive(Debug, Clone, Copy)]
pub(crate) struct RoutingKeys<'a> {
    own: &'a [u8],
    selected: [Option<RawValue<'a>>; 2],
}

impl<'a> RoutingKeys<'a> {
    /// # Errors
    /// 406 when `CC` or `BCC` is not an array. Values inside the array that are no long strings are passed over.
    pub(crate) fn of(publication: &Publication<'a>) -> Result<Self, Refusal> {
        let mut selected = [None; 2];
        if let Some(headers) = publication.properties.headers() {
            selected = find_selected(headers);
            for (name, value) in ["CC", "BCC"].into_iter().zip(&selected) {
                match value {
                    None | Some(RawValue::Array(_)) => {}
                    Some(other) => return Err(unacceptable_type(name, *other)),
                }
            }
        }
        Ok(Self { own: publication.routing_key, selected })
    }

    /// The message's own routing key.
    pub(crate) fn own(&self) -> &'a [u8] {
        self.own
    }

    /// Whether there is no other key than the message's own.
    pub(crate) fn is_single(&self) -> bool {
        self.selected == [None; 2]
    }

    /// All keys; one that was named twice comes twice.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let selected = self.selected.into_iter().flatten().flat_map(|value| {
            let array = if let RawValue::Array(array) = value { Some(array) } else { None };
            array.into_iter().flat_map(|array| array.iter()).map_while(Result::ok)
        });
        iter::once(self.own).chain(selected.filter_map(|value| match value {
            RawValue::LongString(key) => Some(key),
            _ => None,
        }))
    }
}

fn find_selected(headers: RawTable<'_>) -> [Option<RawValue<'_>>; 2] {
    let mut selected = [None; 2];
    for (name, value) in headers.iter().map_while(Result::ok) {
        let place = match name.as_bytes() {
            b"CC" => &mut selected[0],
            b"BCC" => &mut selected[1],
            _ => continue,
        };
        place.get_or_insert(value);
    }
    selected
}

fn unacceptable_type(header: &str, value: RawValue<'_>) -> Refusal {
    let kind = value.decode().map_or("void", |value| value.type_name());
    Refusal::precondition(format!("invalid message: {{unacceptable_type_in_header,\"{header}\",{kind}}}"))
}
