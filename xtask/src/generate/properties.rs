//! `generated/properties.rs`: the list of properties, the lazy accessors and the owned struct.

use super::emit::heading;
use super::spec::{Field, Kind, Spec};

pub(crate) fn properties(spec: &Spec) -> String {
    let all = || spec.property.iter().enumerate();
    let mut text = heading("The properties of class `basic`.");
    text += "use crate::field_table::{FieldTable, RawTable};\nuse crate::properties::{NotOwnable, PropertyKind, PropertyWriter, RawProperties};\n\
             use crate::shortstr::ShortStr;\n\n\
             /// Type of the property with flag bit 15, 14, ... in the order of the wire.\npub(crate) const KINDS: [PropertyKind; ";
    text += &format!("{}] = [", spec.property.len());
    for (_, field) in all() {
        text += &format!("PropertyKind::{}, // {}\n", kind(field), field.name);
    }
    text += "];\n\nimpl<'a> RawProperties<'a> {\n";
    for (index, field) in all() {
        text += &format!(
            "/// {}\n#[must_use]\n#[inline]\npub fn {}(self) -> Option<{}> {{ self.{}({}) }}\n\n",
            field.doc,
            field.rust_name(),
            raw_type(field),
            reader(field),
            index
        );
    }
    text += "}\n\n/// The properties of a message, owned. For a message that only passes through, [`RawProperties`] costs less.\n\
             #[derive(Debug, Clone, PartialEq, Default)]\npub struct Properties {\n";
    for (_, field) in all() {
        text += &format!("/// {}\npub {}: Option<{}>,\n", field.doc, field.rust_name(), owned_type(field));
    }
    text += "}\n\nimpl Properties {\n/// Appends flags and values as they follow the body size in a content header.\n///\n\
             /// Text longer than 255 bytes is cut there, at a character.\n\
             pub fn encode(&self, out: &mut Vec<u8>) {\nlet mut writer = PropertyWriter::new(out);\n";
    for (index, field) in all() {
        let name = field.rust_name();
        text += &match field.kind {
            Kind::ShortStr => format!(
                "if let Some(text) = &self.{name} {{ writer.short_str({}, ShortStr::truncate(text)); }}\n",
                index
            ),
            Kind::Table => {
                format!("if let Some(table) = &self.{name} {{ writer.table({}, table); }}\n", index)
            }
            Kind::Octet => {
                format!("if let Some(value) = self.{name} {{ writer.octet({}, value); }}\n", index)
            }
            _ => format!("if let Some(value) = self.{name} {{ writer.timestamp({}, value); }}\n", index),
        };
    }
    text += "}\n}\n\nimpl TryFrom<RawProperties<'_>> for Properties {\ntype Error = NotOwnable;\n\n\
             fn try_from(raw: RawProperties<'_>) -> Result<Self, NotOwnable> {\nOk(Self {\n";
    for (_, field) in all() {
        let name = field.rust_name();
        text += &match field.kind {
            Kind::ShortStr => format!("{name}: owned_text(\"{}\", raw.{name}())?,\n", field.name),
            Kind::Table => format!("{name}: raw.{name}().map(RawTable::decode).transpose()?,\n"),
            _ => format!("{name}: raw.{name}(),\n"),
        };
    }
    text += "})\n}\n}\n\nfn owned_text(name: &'static str, text: Option<ShortStr<'_>>) -> Result<Option<String>, NotOwnable> {\n\
             text.map(|text| text.to_str().map(str::to_owned).map_err(|_| NotOwnable::NotUtf8(name))).transpose()\n}\n";
    text
}

fn kind(field: &Field) -> &'static str {
    match field.kind {
        Kind::ShortStr => "ShortStr",
        Kind::Table => "Table",
        Kind::Octet => "Octet",
        _ => "Timestamp",
    }
}

fn raw_type(field: &Field) -> &'static str {
    match field.kind {
        Kind::ShortStr => "ShortStr<'a>",
        Kind::Table => "RawTable<'a>",
        Kind::Octet => "u8",
        _ => "u64",
    }
}

fn owned_type(field: &Field) -> &'static str {
    match field.kind {
        Kind::ShortStr => "String",
        Kind::Table => "FieldTable",
        Kind::Octet => "u8",
        _ => "u64",
    }
}

fn reader(field: &Field) -> &'static str {
    match field.kind {
        Kind::ShortStr => "short_str_at",
        Kind::Table => "table_at",
        Kind::Octet => "octet_at",
        _ => "timestamp_at",
    }
}
