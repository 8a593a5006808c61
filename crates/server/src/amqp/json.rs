//! Messages as JSON, with the keys of RabbitMQ's `POST /api/queues/../get`: what one command writes another reads.

use crate::failure::Failure;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use leveret_client::{FieldTable, FieldValue, Message, Properties};
use serde_json::{Map, Number, Value, json};

/// A message that was received.
pub(crate) fn shown(
    exchange: &str,
    routing_key: &str,
    is_redelivered: bool,
    properties: &Properties,
    body: &[u8],
) -> Value {
    let (payload, encoding) = match std::str::from_utf8(body) {
        Ok(text) => (text.to_owned(), "string"),
        Err(_) => (STANDARD.encode(body), "base64"),
    };
    json!({
        "exchange": exchange, "routing_key": routing_key, "redelivered": is_redelivered,
        "properties": properties_json(properties),
        "payload": payload, "payload_encoding": encoding, "payload_bytes": body.len(),
    })
}

/// A message to be published, from an object that [`shown`] could have made. What stands in it only because it was received is left out.
pub(crate) fn message_of(line: &Value) -> Result<Message, Failure> {
    let text = |key: &str| line[key].as_str();
    let payload = text("payload").ok_or_else(|| Failure::usage("a line has no text `payload`"))?;
    let body = match text("payload_encoding").unwrap_or("string") {
        "string" => payload.as_bytes().to_vec(),
        "base64" => STANDARD
            .decode(payload)
            .map_err(|error| Failure::usage(format!("`payload` is not base64: {error}")))?,
        other => {
            return Err(Failure::usage(format!("`payload_encoding` is string or base64, not `{other}`")));
        }
    };
    let mut message = Message::new(body).properties(properties_of(&line["properties"])?);
    message.exchange = text("exchange").map(|name| name.to_owned().into());
    message.routing_key = text("routing_key").map(|key| key.to_owned().into());
    Ok(message)
}

fn properties_json(properties: &Properties) -> Value {
    let mut object = Map::new();
    let Properties {
        content_type, content_encoding, correlation_id, reply_to, expiration, message_id, ..
    } = properties;
    let texts = [
        ("content_type", content_type),
        ("content_encoding", content_encoding),
        ("correlation_id", correlation_id),
        ("reply_to", reply_to),
        ("expiration", expiration),
        ("message_id", message_id),
        ("type", &properties.kind),
        ("user_id", &properties.user_id),
        ("app_id", &properties.app_id),
        ("cluster_id", &properties.cluster_id),
    ];
    for (key, value) in texts {
        if let Some(value) = value {
            object.insert(key.into(), value.as_str().into());
        }
    }
    let numbers = [
        ("delivery_mode", properties.delivery_mode.map(u64::from)),
        ("priority", properties.priority.map(u64::from)),
        ("timestamp", properties.timestamp),
    ];
    for (key, value) in numbers {
        if let Some(value) = value {
            object.insert(key.into(), value.into());
        }
    }
    if let Some(headers) = &properties.headers {
        object.insert("headers".into(), table_json(headers));
    }
    Value::Object(object)
}

/// Properties from an object with RabbitMQ's keys; an unknown key is an error.
pub(crate) fn properties_of(object: &Value) -> Result<Properties, Failure> {
    let mut properties = Properties::default();
    for (key, value) in object.as_object().into_iter().flatten() {
        let text = || match value {
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        let number = || {
            let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
            number.ok_or_else(|| Failure::usage(format!("property {key} is a whole number, not {value}")))
        };
        let octet = || {
            let number = number()?;
            u8::try_from(number)
                .map_err(|_| Failure::usage(format!("property {key} is a number up to 255, not {number}")))
        };
        match key.as_str() {
            "content_type" => properties.content_type = text(),
            "content_encoding" => properties.content_encoding = text(),
            "correlation_id" => properties.correlation_id = text(),
            "reply_to" => properties.reply_to = text(),
            "expiration" => properties.expiration = text(),
            "message_id" => properties.message_id = text(),
            "type" => properties.kind = text(),
            "user_id" => properties.user_id = text(),
            "app_id" => properties.app_id = text(),
            "cluster_id" => properties.cluster_id = text(),
            "delivery_mode" => properties.delivery_mode = Some(octet()?),
            "priority" => properties.priority = Some(octet()?),
            "timestamp" => properties.timestamp = Some(number()?),
            "headers" => properties.headers = Some(field_table(value)),
            other => {
                let known = "content_type, content_encoding, delivery_mode, priority, correlation_id, reply_to, expiration, \
                             message_id, timestamp, type, user_id, app_id, cluster_id";
                return Err(Failure::usage(format!("there is no property `{other}`; there are {known}")));
            }
        }
    }
    Ok(properties)
}

/// A table as an object; bytes that are no text as base64.
pub(crate) fn table_json(table: &FieldTable) -> Value {
    Value::Object(table.iter().map(|(name, value)| (name.to_string(), value_json(value))).collect())
}

fn value_json(value: &FieldValue) -> Value {
    match value {
        FieldValue::Bool(value) => (*value).into(),
        FieldValue::I8(value) => (*value).into(),
        FieldValue::U8(value) => (*value).into(),
        FieldValue::I16(value) => (*value).into(),
        FieldValue::U16(value) => (*value).into(),
        FieldValue::I32(value) => (*value).into(),
        FieldValue::U32(value) => (*value).into(),
        FieldValue::I64(value) => (*value).into(),
        FieldValue::F32(value) => Number::from_f64(f64::from(*value)).into(),
        FieldValue::F64(value) => Number::from_f64(*value).into(),
        FieldValue::Timestamp(value) => (*value).into(),
        FieldValue::Array(values) => values.iter().map(value_json).collect(),
        FieldValue::Table(table) => table_json(table),
        FieldValue::Void => Value::Null,
        FieldValue::LongString(bytes) | FieldValue::ByteArray(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(_) => STANDARD.encode(bytes).into(),
        },
        FieldValue::Decimal(decimal) => {
            Number::from_f64(f64::from(decimal.value) / 10_f64.powi(i32::from(decimal.scale))).into()
        }
    }
}

/// A table from an object.
pub(crate) fn field_table(object: &Value) -> FieldTable {
    let mut table = FieldTable::new();
    for (key, value) in object.as_object().into_iter().flatten() {
        table.insert(key.as_str(), field_value(value));
    }
    table
}

fn field_value(value: &Value) -> FieldValue {
    match value {
        Value::Null => FieldValue::Void,
        Value::Bool(value) => FieldValue::Bool(*value),
        Value::String(text) => text.as_str().into(),
        Value::Array(values) => FieldValue::Array(values.iter().map(field_value).collect()),
        Value::Object(_) => FieldValue::Table(field_table(value)),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => FieldValue::I64(whole),
            None => FieldValue::F64(number.as_f64().unwrap_or_default()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let line = json!({
            "exchange": "ev", "routing_key": "a.b", "redelivered": true, "payload": "//4=", "payload_encoding": "base64",
            "payload_bytes": 2,
            "properties": {
                "content_type": "text/plain", "delivery_mode": 2, "priority": 7, "timestamp": 5, "type": "t", "message_id": "m",
                "headers": {"n": 1, "f": 0.5, "b": true, "l": [1, "x"], "o": {"k": null}},
            },
        });
        let message = message_of(&line).unwrap();
        assert_eq!(&message.body[..], [255, 254]);
        let again = shown(
            message.exchange.as_deref().unwrap(),
            message.routing_key.as_deref().unwrap(),
            true,
            &message.properties,
            &message.body,
        );
        assert_eq!(again, line);
    }

    #[test]
    fn mistakes_are_told() {
        for (line, why) in [
            (json!({}), "no text `payload`"),
            (json!({"payload": "%", "payload_encoding": "base64"}), "not base64"),
            (json!({"payload": "", "payload_encoding": "hex"}), "not `hex`"),
            (json!({"payload": "", "properties": {"colour": "red"}}), "no property `colour`"),
            (json!({"payload": "", "properties": {"priority": 300}}), "up to 255"),
        ] {
            let problem = message_of(&line).unwrap_err().text;
            assert!(problem.contains(why), "{problem}");
        }
    }
}
