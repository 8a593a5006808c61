//! Who sends: attributes of this process, and small things in OTLP's form.

use crate::settings::Settings;
use leveret_broker::trace::Value;
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyKind;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;

/// The conventions that names and attributes follow.
pub(crate) const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.42.0";

pub(crate) fn resource(settings: &Settings, node_name: &str) -> Resource {
    let own = [
        ("service.name", &*settings.service_name),
        ("service.version", env!("CARGO_PKG_VERSION")),
        ("service.instance.id", node_name),
    ];
    // What the user says counts, but for the name, which has an option of its own.
    let said = |name: &str| settings.resource.iter().any(|(key, _)| key == name);
    let mut attributes: Vec<KeyValue> = own
        .iter()
        .filter(|(name, _)| *name == "service.name" || !said(name))
        .map(|(name, value)| text(name, value))
        .collect();
    let more = settings.resource.iter().filter(|(name, _)| name != "service.name");
    attributes.extend(more.map(|(name, value)| text(name, value)));
    Resource { attributes, ..Resource::default() }
}

pub(crate) fn scope(name: &str) -> InstrumentationScope {
    InstrumentationScope {
        name: name.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    }
}

pub(crate) fn text(name: &str, value: &str) -> KeyValue {
    pair(name, AnyKind::StringValue(value.to_owned()))
}

pub(crate) fn any(kind: AnyKind) -> AnyValue {
    AnyValue { value: Some(kind) }
}

pub(crate) fn pair(name: &str, kind: AnyKind) -> KeyValue {
    KeyValue { key: name.to_owned(), value: Some(any(kind)), ..KeyValue::default() }
}

pub(crate) fn kind(value: Value) -> AnyKind {
    match value {
        Value::Text(text) => AnyKind::StringValue(text),
        Value::Number(number) => AnyKind::IntValue(number),
        Value::Flag(flag) => AnyKind::BoolValue(flag),
        Value::Texts(texts) => {
            let values = texts.into_iter().map(|text| any(AnyKind::StringValue(text))).collect();
            AnyKind::ArrayValue(ArrayValue { values })
        }
    }
}
