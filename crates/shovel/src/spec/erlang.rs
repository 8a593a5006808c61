//! Values as Erlang prints them (`~p`), which is how RabbitMQ's reasons show what was sent.

use serde_json::Value;

/// One value.
pub(super) fn term(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => binary(text),
        Value::Array(values) => format!("[{}]", values.iter().map(term).collect::<Vec<_>>().join(",")),
        Value::Object(pairs) => {
            let pairs = pairs.iter().map(|(key, value)| format!("{} => {}", binary(key), term(value)));
            format!("#{{{}}}", pairs.collect::<Vec<_>>().join(","))
        }
    }
}

/// Keys and values, as a list of pairs.
pub(super) fn pairs<'a>(pairs: impl Iterator<Item = (&'a String, &'a Value)>) -> String {
    let pairs = pairs.map(|(key, value)| format!("{{{},{}}}", binary(key), term(value)));
    format!("[{}]", pairs.collect::<Vec<_>>().join(","))
}

fn binary(text: &str) -> String {
    format!("<<{}>>", text_of(text))
}

/// A string of Erlang's.
pub(super) fn text_of(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
