//! Messages: their properties and bodies.

use crate::call::{integer_of, text_of};
use crate::error::ApiError;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use leveret_broker::Message;
use leveret_broker::definitions::Arguments;
use leveret_protocol::Properties;
use serde_json::{Map, Value, json};

/// How bodies are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// As text if they are UTF-8, else in base64.
    Auto,
    /// In base64.
    Base64,
}

impl Encoding {
    /// # Errors
    /// 400: neither `auto` nor `base64`.
    pub(crate) fn of(object: &Map<String, Value>) -> Result<Self, ApiError> {
        match text_of(object, "encoding")? {
            None | Some("auto") => Ok(Self::Auto),
            Some("base64") => Ok(Self::Base64),
            Some(other) => Err(ApiError::bad_request(format!("unsupported_encoding: {other}"))),
        }
    }
}

/// What a message is, with RabbitMQ's keys; at most `truncate` bytes of its body.
pub(crate) fn message(message: &Message, encoding: Encoding, truncate: usize) -> Map<String, Value> {
    let body = message.body();
    let shown = body.get(..truncate).unwrap_or(body);
    let text = match encoding {
        Encoding::Auto => std::str::from_utf8(shown).ok(),
        Encoding::Base64 => None,
    };
    let (payload, encoding) = match text {
        Some(text) => (text.to_owned(), "string"),
        None => (BASE64_STANDARD.encode(shown), "base64"),
    };
    Map::from_iter([
        ("exchange".to_owned(), String::from_utf8_lossy(message.exchange()).into()),
        ("routing_key".to_owned(), String::from_utf8_lossy(message.routing_key()).into()),
        ("properties".to_owned(), properties(message)),
        ("payload_bytes".to_owned(), body.len().into()),
        ("payload".to_owned(), payload.into()),
        ("payload_encoding".to_owned(), encoding.into()),
    ])
}

fn properties(message: &Message) -> Value {
    let properties = Properties::try_from(message.properties()).unwrap_or_default();
    let mut json = Map::new();
    let texts = [
        ("content_type", &properties.content_type),
        ("content_encoding", &properties.content_encoding),
        ("correlation_id", &properties.correlation_id),
        ("reply_to", &properties.reply_to),
        ("expiration", &properties.expiration),
        ("message_id", &properties.message_id),
        ("type", &properties.kind),
        ("user_id", &properties.user_id),
        ("app_id", &properties.app_id),
        ("cluster_id", &properties.cluster_id),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            json.insert(name.to_owned(), text.as_str().into());
        }
    }
    for (name, number) in [("priority", properties.priority), ("delivery_mode", properties.delivery_mode)] {
        if let Some(number) = number {
            json.insert(name.to_owned(), number.into());
        }
    }
    if let Some(seconds) = properties.timestamp {
        json.insert("timestamp".to_owned(), seconds.into());
    }
    if let Some(headers) = properties.headers {
        json.insert("headers".to_owned(), super::arguments(&headers));
    }
    // RabbitMQ writes no properties at all as an empty list.
    if json.is_empty() { json!([]) } else { Value::Object(json) }
}

/// Properties that somebody publishes with.
///
/// # Errors
/// 400: not an object, or a value of another type.
pub(crate) fn properties_of(value: Option<&Value>) -> Result<Properties, ApiError> {
    let none = Map::new();
    let object = match value {
        None | Some(Value::Null) => &none,
        Some(Value::Object(object)) => object,
        Some(Value::Array(values)) if values.is_empty() => &none,
        Some(other) => return Err(ApiError::bad_request(json!(["not_an_object", other]))),
    };
    let text = |name| Ok::<_, ApiError>(text_of(object, name)?.map(str::to_owned));
    let small = |name| match integer_of(object, name)? {
        None => Ok(None),
        Some(number) => u8::try_from(number).map(Some).map_err(|_| {
            ApiError::bad_request(format!("{name} has to be a number from 0 to 255, and is {number}"))
        }),
    };
    let timestamp = match integer_of(object, "timestamp")? {
        None => None,
        Some(seconds) => {
            Some(u64::try_from(seconds).map_err(|_| ApiError::bad_request("timestamp may not be negative"))?)
        }
    };
    let headers = match object.get("headers") {
        None | Some(Value::Null) => None,
        Some(headers) => match serde_json::from_value::<Arguments>(headers.clone()) {
            Ok(Arguments(table)) => Some(table),
            Err(error) => return Err(ApiError::bad_request(format!("headers: {error}"))),
        },
    };
    let properties = Properties {
        content_type: text("content_type")?,
        content_encoding: text("content_encoding")?,
        headers,
        delivery_mode: small("delivery_mode")?,
        priority: small("priority")?,
        correlation_id: text("correlation_id")?,
        reply_to: text("reply_to")?,
        expiration: expiration(object)?,
        message_id: text("message_id")?,
        timestamp,
        kind: text("type")?,
        user_id: text("user_id")?,
        app_id: text("app_id")?,
        cluster_id: text("cluster_id")?,
    };
    check_lengths(&properties)?;
    Ok(properties)
}

/// Milliseconds as text; as a number it is taken as well.
fn expiration(object: &Map<String, Value>) -> Result<Option<String>, ApiError> {
    match object.get("expiration") {
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        _ => Ok(text_of(object, "expiration")?.map(str::to_owned)),
    }
}

fn check_lengths(properties: &Properties) -> Result<(), ApiError> {
    let p = properties;
    let all = [
        ("content_type", &p.content_type),
        ("content_encoding", &p.content_encoding),
        ("correlation_id", &p.correlation_id),
        ("reply_to", &p.reply_to),
        ("expiration", &p.expiration),
        ("message_id", &p.message_id),
        ("type", &p.kind),
        ("user_id", &p.user_id),
        ("app_id", &p.app_id),
        ("cluster_id", &p.cluster_id),
    ];
    match all.iter().find(|(_, text)| text.as_ref().is_some_and(|text| text.len() > 255)) {
        Some((name, _)) => Err(ApiError::bad_request(format!("{name} may have 255 bytes at most"))),
        None => Ok(()),
    }
}
