//! Methods, properties and tables as short text, in which brokers can be compared.

use crate::known::OUR_HEADERS;
use leveret_dialogues::{FieldTable, FieldValue, Method, Properties};

/// A method, without the fields that are empty.
pub(crate) fn method(method: &Method<'_>) -> String {
    let tables = match method {
        Method::QueueDeclare(m) => Some(&m.arguments),
        Method::QueueBind(m) => Some(&m.arguments),
        Method::QueueUnbind(m) => Some(&m.arguments),
        Method::ExchangeDeclare(m) => Some(&m.arguments),
        Method::ExchangeBind(m) => Some(&m.arguments),
        Method::ExchangeUnbind(m) => Some(&m.arguments),
        Method::BasicConsume(m) => Some(&m.arguments),
        _ => None,
    };
    let debug = format!("{method:?}");
    // `QueueDeclare(Declare { queue: "q", ... })`
    let fields = debug.split_once('{').map_or("", |(_, fields)| fields);
    let fields = fields.split(", arguments: ").next().unwrap_or("");
    let mut out = method.id().to_string();
    if matches!(method, Method::ChannelClose(_) | Method::ConnectionClose(_) | Method::BasicReturn(_)) {
        // (A text may have commas.)
        return format!("{out} {}", fields.trim_end_matches(['}', ')', ' ']).trim());
    }
    for field in fields.trim_end_matches(['}', ')', ' ']).split(", ").map(str::trim) {
        if !field.is_empty() && !field.ends_with(": false") {
            out.push(' ');
            out.push_str(&field.replace(": ", "="));
        }
    }
    if let Some(table_) = tables
        && !table_.is_empty()
    {
        out.push(' ');
        out.push_str(&table(table_));
    }
    out
}

/// The properties that are there.
pub(crate) fn properties(properties: &Properties) -> String {
    let mut out = Vec::new();
    let texts = [
        ("content-type", &properties.content_type),
        ("content-encoding", &properties.content_encoding),
        ("correlation-id", &properties.correlation_id),
        ("reply-to", &properties.reply_to),
        ("expiration", &properties.expiration),
        ("message-id", &properties.message_id),
        ("type", &properties.kind),
        ("user-id", &properties.user_id),
        ("app-id", &properties.app_id),
        ("cluster-id", &properties.cluster_id),
    ];
    out.extend(texts.iter().filter_map(|(name, text)| text.as_ref().map(|text| format!("{name}={text:?}"))));
    out.extend(properties.delivery_mode.map(|mode| format!("delivery-mode={mode}")));
    out.extend(properties.priority.map(|priority| format!("priority={priority}")));
    out.extend(properties.timestamp.map(|timestamp| format!("timestamp={timestamp}")));
    out.extend(properties.headers.as_ref().map(|headers| format!("headers={}", table(headers))));
    format!("[{}]", out.join(" "))
}

/// A table, by name: its order means nothing, and RabbitMQ sorts those that it adds to.
pub(crate) fn table(table: &FieldTable) -> String {
    let ours = |name: &str| OUR_HEADERS.contains(&name);
    let fields = table.iter().filter(|(name, _)| !name.as_str().is_some_and(ours));
    let mut fields: Vec<String> = fields.map(|(name, field)| format!("{name}: {}", value(field))).collect();
    fields.sort();
    format!("{{{}}}", fields.join(", "))
}

fn value(value: &FieldValue) -> String {
    match value {
        FieldValue::LongString(bytes) => format!("\"{}\"", bytes.escape_ascii()),
        FieldValue::Array(values) => {
            format!("[{}]", values.iter().map(self::value).collect::<Vec<_>>().join(", "))
        }
        FieldValue::Table(fields) => table(fields),
        // When a message died differs by the moment.
        FieldValue::Timestamp(seconds) if *seconds > 1_500_000_000 => "now".to_owned(),
        other => format!("{other:?}"),
    }
}
