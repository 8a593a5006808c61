//! `generated/reply_code.rs`: the enum of reply codes.

use super::emit::heading;
use super::spec::{Scope, Spec, camel};

pub(crate) fn reply_codes(spec: &Spec) -> String {
    let mut text = heading("Reply codes: why a channel or connection is closed, or a message returned.");
    text += "/// Why a channel or connection is closed, or a message returned (AMQP 0-9-1, section 1.2 \"constants\").\n\
             #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]\n#[non_exhaustive]\n#[repr(u16)]\npub enum ReplyCode {\n";
    for code in &spec.reply_code {
        text += &format!("/// {}\n{} = {},\n", code.doc, camel(&code.name), code.code);
    }
    text += "}\n\nimpl ReplyCode {\n";
    text += &format!("/// Every reply code, in order.\npub const ALL: [Self; {}] = [", spec.reply_code.len());
    for code in &spec.reply_code {
        text += &format!("Self::{},", camel(&code.name));
    }
    text +=
        "];\n\n/// The number on the wire.\n#[must_use]\npub const fn code(self) -> u16 { self as u16 }\n\n";

    text += "/// The reply code with this number.\n#[must_use]\npub const fn from_code(code: u16) -> Option<Self> { Some(match code {";
    for code in &spec.reply_code {
        text += &format!("{} => Self::{},", code.code, camel(&code.name));
    }
    text += "_ => return None, }) }\n\n";

    text += "/// The name as RabbitMQ writes it before a reply text, for example `NOT_FOUND`.\n#[must_use]\n\
             pub const fn name(self) -> &'static str { match self {";
    for code in &spec.reply_code {
        text += &format!("Self::{} => \"{}\",", camel(&code.name), code.name);
    }
    text += "} }\n\n/// Whether the error closes a channel only; else it closes the connection.\n#[must_use]\n\
             pub const fn is_channel_error(self) -> bool { matches!(self, ";
    let soft: Vec<_> = spec.reply_code.iter().filter(|code| code.scope == Scope::Channel).collect();
    text += &soft.iter().map(|code| format!("Self::{}", camel(&code.name))).collect::<Vec<_>>().join(" | ");
    text += ") }\n}\n";
    text
}
