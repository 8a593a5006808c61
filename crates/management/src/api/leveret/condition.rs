//! Which messages are meant, as JSON: a list of conditions that all have to hold. An object with several keys is as many conditions.
//!
//! `{"routing_key": "order.*"}`, `{"exchange": "logs"}`, `{"header": "tenant", "equals": "eu"}`, `{"header": "tenant"}`,
//! `{"message_id": "7"}` (and `correlation_id`, `type`, `app_id`, `content_type`, `user_id`), `{"priority": 4}`,
//! `{"body_contains": "text"}`, `{"timestamp": {"from": 1, "to": 2}}` (seconds, each may be missing), `{"death_reason": "rejected"}`.

use crate::error::ApiError;
use crate::json::arguments;
use leveret_broker::definitions::Arguments;
use leveret_broker::queue::select::{Condition, Filter, KeyPattern, TextProperty};
use serde_json::{Map, Value, json};

/// Conditions of a filter.
const CONDITIONS_MAX: usize = 64;

/// # Errors
/// 400: something that is no condition.
pub(super) fn filter(value: Option<&Value>) -> Result<Filter, ApiError> {
    let one;
    let all: &[Value] = match value {
        None | Some(Value::Null) => &[],
        Some(Value::Array(all)) => all,
        Some(object @ Value::Object(_)) => {
            one = [object.clone()];
            &one
        }
        Some(other) => return Err(bad(format!("filter is a list of conditions, not {other}"))),
    };
    let mut conditions = Vec::new();
    for value in all {
        let Value::Object(object) = value else { return Err(bad(format!("{value} is no condition"))) };
        conditions.extend(conditions_of(object)?);
    }
    match conditions.len() > CONDITIONS_MAX {
        true => Err(bad(format!("a filter has {CONDITIONS_MAX} conditions at most"))),
        false => Ok(conditions.into_iter().collect()),
    }
}

/// A filter as [`filter`] reads it.
pub(super) fn written(filter: &Filter) -> Value {
    filter.conditions().iter().map(condition).collect()
}

fn condition(condition: &Condition) -> Value {
    match condition {
        Condition::RoutingKey(pattern) => json!({ "routing_key": pattern.to_string() }),
        Condition::Exchange(name) => json!({ "exchange": name }),
        Condition::HeaderExists(name) => json!({ "header": name }),
        Condition::HeaderEquals(name, value) => {
            let table = [(name.as_str(), value.clone())].into_iter().collect();
            json!({ "header": name, "equals": arguments(&table)[name] })
        }
        Condition::Property(property, text) => {
            let name = match property {
                TextProperty::CorrelationId => "correlation_id",
                TextProperty::Type => "type",
                TextProperty::AppId => "app_id",
                TextProperty::ContentType => "content_type",
                TextProperty::UserId => "user_id",
                _ => "message_id",
            };
            json!({ name: text })
        }
        Condition::Priority(priority) => json!({ "priority": priority }),
        Condition::BodyContains(bytes) => json!({ "body_contains": String::from_utf8_lossy(bytes) }),
        Condition::Timestamp(range) => {
            json!({ "timestamp": { "from": range.start(), "to": range.end() } })
        }
        Condition::DeathReason(reason) => json!({ "death_reason": reason }),
        _ => Value::Null,
    }
}

fn bad(text: String) -> ApiError {
    ApiError::bad_request(text)
}

fn conditions_of(object: &Map<String, Value>) -> Result<Vec<Condition>, ApiError> {
    let mut found = Vec::new();
    for (name, value) in object {
        let text = || value.as_str().ok_or_else(|| bad(format!("{name} has to be a text, not {value}")));
        let property = |property| Ok::<_, ApiError>(Condition::Property(property, text()?.to_owned()));
        found.push(match name.as_str() {
            "equals" if object.contains_key("header") => continue,
            "routing_key" => Condition::RoutingKey(KeyPattern::new(text()?.as_bytes())),
            "exchange" => Condition::Exchange(text()?.to_owned()),
            "body_contains" => Condition::BodyContains(text()?.as_bytes().to_vec()),
            "death_reason" => Condition::DeathReason(text()?.to_owned()),
            "message_id" => property(TextProperty::MessageId)?,
            "correlation_id" => property(TextProperty::CorrelationId)?,
            "type" => property(TextProperty::Type)?,
            "app_id" => property(TextProperty::AppId)?,
            "content_type" => property(TextProperty::ContentType)?,
            "user_id" => property(TextProperty::UserId)?,
            "priority" => {
                let priority = value.as_u64().and_then(|number| u8::try_from(number).ok());
                Condition::Priority(priority.ok_or_else(|| bad("priority is a number from 0 to 255".into()))?)
            }
            "timestamp" => timestamp(value)?,
            "header" => header(text()?, object.get("equals"))?,
            other => return Err(bad(format!("there is no condition {other}"))),
        });
    }
    Ok(found)
}

fn timestamp(value: &Value) -> Result<Condition, ApiError> {
    let Value::Object(range) = value else { return Err(bad("timestamp is an object of from and to".into())) };
    if let Some(other) = range.keys().find(|key| !matches!(key.as_str(), "from" | "to")) {
        return Err(bad(format!("timestamp has from and to, not {other}")));
    }
    let seconds = |key: &str, default| match range.get(key) {
        None | Some(Value::Null) => Ok(default),
        Some(value) => value.as_u64().ok_or_else(|| bad(format!("{key} is seconds since 1970, not {value}"))),
    };
    Ok(Condition::Timestamp(seconds("from", 0)?..=seconds("to", u64::MAX)?))
}

fn header(name: &str, equals: Option<&Value>) -> Result<Condition, ApiError> {
    let Some(equals) = equals else { return Ok(Condition::HeaderExists(name.to_owned())) };
    // The way from JSON to values of AMQP is that of arguments.
    let Arguments(table) = serde_json::from_value(json!({ "v": equals })).map_err(|e| bad(e.to_string()))?;
    let value = table.get("v").cloned().ok_or_else(|| bad("equals has no value".into()))?;
    Ok(Condition::HeaderEquals(name.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_condition_is_refused() {
        for (value, word) in [
            (json!("x"), "a list of conditions"),
            (json!(["x"]), "no condition"),
            (json!([{"colour": "red"}]), "there is no condition colour"),
            (json!([{"priority": 256}]), "0 to 255"),
            (json!([{"timestamp": {"form": 1}}]), "not form"),
            (json!([{"routing_key": 1}]), "has to be a text"),
        ] {
            let error = filter(Some(&value)).unwrap_err().to_json().to_string();
            assert!(error.contains(word), "{value}: {error}");
        }
    }

    #[test]
    fn every_condition_can_be_written() {
        let value = json!([{"routing_key": "a.#", "exchange": "e"}, {"header": "h", "equals": 1}, {"header": "h"},
            {"body_contains": "x"}, {"death_reason": "rejected"}, {"message_id": "m"}, {"priority": 3},
            {"timestamp": {"from": 1}}]);
        let expected: Filter = [
            Condition::Exchange("e".into()),
            Condition::RoutingKey(KeyPattern::new(b"a.#")),
            Condition::HeaderEquals("h".into(), 1_i64.into()),
            Condition::HeaderExists("h".into()),
            Condition::BodyContains(b"x".to_vec()),
            Condition::DeathReason("rejected".into()),
            Condition::Property(TextProperty::MessageId, "m".into()),
            Condition::Priority(3),
            Condition::Timestamp(1..=u64::MAX),
        ]
        .into_iter()
        .collect();
        assert_eq!(filter(Some(&value)).unwrap(), expected);
        assert_eq!(filter(Some(&written(&expected))).unwrap(), expected, "and be read again");
        assert!(filter(None).unwrap().is_all());
    }
}
