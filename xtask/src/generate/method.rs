//! `generated/<class>.rs`, `generated/method.rs` and `generated/method_id.rs`.

use super::emit::{class_names, heading};
use super::spec::{By, Class, Field, Kind, Method, Spec, camel};

/// The module of one class: a struct for each method.
pub(crate) fn class_module(class: &Class) -> String {
    let mut text = heading(&format!("Class `{}` ({}): {}", class.name, class.id, class.doc));
    let fields = || class.method.iter().flat_map(Method::visible);
    if fields().any(|field| field.kind == Kind::Table) {
        text += "use crate::field_table::FieldTable;\n";
    }
    text += "use crate::frame::begin_method;\nuse crate::method_id::MethodId;\n";
    if fields().any(|field| field.kind == Kind::ShortStr) {
        text += "use crate::shortstr::ShortStr;\n";
    }
    let writes =
        class.method.iter().any(|method| method.fields.iter().any(|field| field.kind != Kind::Table));
    text += if writes {
        "use crate::wire::{Put, Reader, WireError};\n"
    } else {
        "use crate::wire::{Reader, WireError};\n"
    };
    for method in &class.method {
        text += &method_struct(class, method);
    }
    text
}

fn method_struct(class: &Class, method: &Method) -> String {
    let name = method.rust_name();
    let (generic, lifetime) = if method.borrows() { ("<'a>", "'a") } else { ("", "'_") };
    let derive = if method.has_table() { "" } else { ", Copy, Eq" };
    let mut text = format!(
        "\n/// `{}.{}` ({}, {}), {}. {}\n#[derive(Debug, Clone, PartialEq, Default{derive})]\npub struct {name}{generic}",
        class.name,
        method.name,
        class.id,
        method.id,
        method.by.words(),
        method.doc
    );
    if method.visible().next().is_none() {
        text += ";\n";
    } else {
        text += " {\n";
        for field in method.visible() {
            text += &format!("/// {}\npub {}: {},\n", field.doc, field.rust_name(), rust_type(field.kind));
        }
        text += "}\n";
    }
    text += &format!(
        "\nimpl{generic} {name}{generic} {{\n/// Class and method number on the wire.\n\
         pub const ID: MethodId = MethodId::new({}, {});\n\n\
         /// Reads the arguments that follow class and method number.\n///\n/// # Errors\n\
         /// When the bytes end early or hold a value that cannot be.\n#[inline]\n\
         pub fn decode_args({}: &mut Reader<{lifetime}>) -> Result<Self, WireError> {{\n{}}}\n\n\
         /// Appends the arguments that follow class and method number.\n#[inline]\n\
         pub fn encode_args(&self, {}: &mut Vec<u8>) {{\n{}}}\n\n\
         /// Appends the whole method frame.\n#[inline]\n\
         pub fn write(&self, channel: u16, out: &mut Vec<u8>) {{\n\
         let frame = begin_method(out, channel, Self::ID);\nself.encode_args(out);\nframe.end(out);\n}}\n}}\n",
        class.id,
        method.id,
        if method.fields.is_empty() { "_reader" } else { "reader" },
        decode_body(method),
        if method.fields.is_empty() { "_out" } else { "out" },
        encode_body(method),
    );
    text
}

fn rust_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Bit => "bool",
        Kind::Octet => "u8",
        Kind::Short => "u16",
        Kind::Long => "u32",
        Kind::LongLong | Kind::Timestamp => "u64",
        Kind::ShortStr => "ShortStr<'a>",
        Kind::LongStr => "&'a [u8]",
        Kind::Table => "FieldTable",
    }
}

/// Fields as they lie on the wire: neighbouring bits share an octet.
fn octets(method: &Method) -> Vec<Vec<&Field>> {
    let mut groups: Vec<Vec<&Field>> = Vec::new();
    for field in &method.fields {
        match groups.last_mut() {
            Some(group) if field.kind == Kind::Bit && group[0].kind == Kind::Bit && group.len() < 8 => {
                group.push(field)
            }
            _ => groups.push(vec![field]),
        }
    }
    groups
}

fn decode_body(method: &Method) -> String {
    let mut text = String::new();
    for group in octets(method) {
        let field = group[0];
        let read = match field.kind {
            Kind::Bit | Kind::Octet => "reader.u8()?",
            Kind::Short => "reader.u16()?",
            Kind::Long => "reader.u32()?",
            Kind::LongLong | Kind::Timestamp => "reader.u64()?",
            Kind::ShortStr => "reader.short_str()?",
            Kind::LongStr => "reader.long_str()?",
            Kind::Table => "reader.table()?.decode()?",
        };
        if group.iter().all(|field| field.reserved) {
            text += &format!("{read};\n");
        } else if field.kind == Kind::Bit {
            text += &format!("let bits = {read};\n");
            for (bit, field) in group.iter().enumerate().filter(|(_, field)| !field.reserved) {
                text += &format!("let {} = bits & {} != 0;\n", field.rust_name(), 1 << bit);
            }
        } else {
            text += &format!("let {} = {read};\n", field.rust_name());
        }
    }
    let names: Vec<String> = method.visible().map(Field::rust_name).collect();
    text += &if names.is_empty() {
        "Ok(Self)".to_owned()
    } else {
        format!("Ok(Self {{ {} }})", names.join(", "))
    };
    text
}

fn encode_body(method: &Method) -> String {
    let mut text = String::new();
    for group in octets(method) {
        let field = group[0];
        let name = field.rust_name();
        let value = |zero: &str| if field.reserved { zero.to_owned() } else { format!("self.{name}") };
        text += &match field.kind {
            Kind::Bit => {
                let bits: Vec<String> = group
                    .iter()
                    .enumerate()
                    .filter(|(_, field)| !field.reserved)
                    .map(|(bit, field)| match bit {
                        0 => format!("u8::from(self.{})", field.rust_name()),
                        _ => format!("u8::from(self.{}) << {bit}", field.rust_name()),
                    })
                    .collect();
                format!("out.put_u8({});", if bits.is_empty() { "0".to_owned() } else { bits.join(" | ") })
            }
            Kind::Octet => format!("out.put_u8({});", value("0")),
            Kind::Short => format!("out.put_u16({});", value("0")),
            Kind::Long => format!("out.put_u32({});", value("0")),
            Kind::LongLong | Kind::Timestamp => format!("out.put_u64({});", value("0")),
            Kind::ShortStr => format!("out.put_short_str({});", value("ShortStr::EMPTY")),
            Kind::LongStr => format!("out.put_long_str({});", value("&[]")),
            Kind::Table => format!("self.{name}.encode(out);"),
        };
        text += "\n";
    }
    text
}

/// `generated/method.rs`: the enum of all methods.
pub(crate) fn method_enum(spec: &Spec) -> String {
    let all = || spec.class.iter().flat_map(|class| class.method.iter().map(move |method| (class, method)));
    let mut text = heading("Every method as one enum.");
    text += "use crate::error::MethodError;\nuse crate::method_id::MethodId;\nuse crate::methods::{";
    text += &class_names(spec).join(", ");
    text += "};\nuse crate::wire::Reader;\n\n/// A method of any class, decoded.\n#[derive(Debug, Clone, PartialEq)]\n\
             #[non_exhaustive]\npub enum Method<'a> {\n";
    for (class, method) in all() {
        text += &format!(
            "/// `{}.{}`\n{}({}),\n",
            class.name,
            method.name,
            variant(class, method),
            path(class, method)
        );
    }
    text += "}\n\nimpl<'a> Method<'a> {\n\
             /// Decodes a method frame's payload: class, method, arguments, and nothing after them.\n///\n/// # Errors\n\
             /// When no method has these numbers, or its arguments do not decode.\n\
             pub fn decode(payload: &'a [u8]) -> Result<Self, MethodError> {\n\
             let mut reader = Reader::new(payload);\n\
             let id = MethodId::decode(&mut reader).map_err(MethodError::Short)?;\n\
             let malformed = |source| MethodError::Malformed { id, source };\n\
             let method = match id {\n";
    for (class, method) in all() {
        let name = format!("{}::{}", class.name, method.rust_name());
        text += &format!(
            "{name}::ID => Self::{}({name}::decode_args(&mut reader).map_err(malformed)?),\n",
            variant(class, method)
        );
    }
    text += "_ => return Err(MethodError::Unknown(id)), };\nreader.finish().map_err(malformed)?;\nOk(method)\n}\n\n\
             /// Class and method number.\n#[must_use]\npub fn id(&self) -> MethodId { match self {\n";
    for (class, method) in all() {
        text +=
            &format!("Self::{}(_) => {}::{}::ID,\n", variant(class, method), class.name, method.rust_name());
    }
    text += "} }\n\n/// Whether a content header and body follow the method.\n#[must_use]\n\
             pub fn has_content(&self) -> bool { matches!(self, ";
    let with_content: Vec<String> = all()
        .filter(|(_, method)| method.content)
        .map(|(class, method)| format!("Self::{}(_)", variant(class, method)))
        .collect();
    text += &with_content.join(" | ");
    text += ") }\n\n/// Appends the whole method frame.\npub fn write(&self, channel: u16, out: &mut Vec<u8>) { match self {\n";
    for (class, method) in all() {
        text += &format!("Self::{}(method) => method.write(channel, out),\n", variant(class, method));
    }
    text += "} }\n}\n";
    for (class, method) in all() {
        let lifetime = if method.borrows() { "<'a>" } else { "" };
        let path = path(class, method);
        text += &format!(
            "\nimpl{lifetime} From<{path}> for Method<{}> {{ fn from(method: {path}) -> Self {{ Self::{}(method) }} }}\n",
            if method.borrows() { "'a" } else { "'_" },
            variant(class, method)
        );
    }
    text
}

/// `generated/method_id.rs`: names of methods.
pub(crate) fn method_names(spec: &Spec) -> String {
    let mut text = heading("Names and senders of methods by their numbers.");
    text += "/// The specification's name, for example `queue.declare-ok`.\n\
             pub(crate) const fn name(class: u16, method: u16) -> Option<&'static str> { Some(match (class, method) {\n";
    for class in &spec.class {
        for method in &class.method {
            text += &format!("({}, {}) => \"{}.{}\",\n", class.id, method.id, class.name, method.name);
        }
    }
    text += "_ => return None, }) }\n";
    text += &sent_by(spec, "client", By::Server);
    text += &sent_by(spec, "server", By::Client);
    text
}

fn sent_by(spec: &Spec, side: &str, other: By) -> String {
    let mut text = format!(
        "\n/// Whether the {side} may send the method.\n\
         pub(crate) const fn is_sent_by_{side}(class: u16, method: u16) -> bool {{ matches!((class, method), "
    );
    let ids: Vec<String> = spec
        .class
        .iter()
        .flat_map(|class| class.method.iter().map(move |method| (class.id, method)))
        .filter(|(_, method)| method.by != other)
        .map(|(class, method)| format!("({class}, {})", method.id))
        .collect();
    text += &ids.join(" | ");
    text + ") }\n"
}

fn variant(class: &Class, method: &Method) -> String {
    camel(&class.name) + &method.rust_name()
}

fn path(class: &Class, method: &Method) -> String {
    format!("{}::{}{}", class.name, method.rust_name(), if method.borrows() { "<'a>" } else { "" })
}
