//! The table's shape, and what must hold in it.

use std::collections::HashSet;
use std::error::Error;
use std::fs;

use serde::Deserialize;

use super::root;

/// The whole table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Reply codes, lowest first.
    pub reply_code: Vec<ReplyCode>,
    /// Properties, highest flag bit first.
    pub property: Vec<Field>,
    /// Classes.
    pub class: Vec<Class>,
}

/// A reply code.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplyCode {
    /// Its number.
    pub code: u16,
    /// Its name in capitals.
    pub name: String,
    /// What it ends.
    pub scope: Scope,
    /// One sentence.
    pub doc: String,
}

/// What an error with a reply code ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Nothing.
    None,
    /// A channel.
    Channel,
    /// The connection.
    Connection,
}

/// A class.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// Its name.
    pub name: String,
    /// Its number.
    pub id: u16,
    /// One sentence.
    pub doc: String,
    /// Its methods.
    pub method: Vec<Method>,
}

/// A method.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Method {
    /// Its name within the class.
    pub name: String,
    /// Its number within the class.
    pub id: u16,
    /// Who sends it.
    pub by: By,
    /// Whether a content follows.
    #[serde(default)]
    pub content: bool,
    /// One sentence.
    pub doc: String,
    /// Its arguments.
    #[serde(default)]
    pub fields: Vec<Field>,
}

/// Who sends a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// The client.
    Client,
    /// The server.
    Server,
    /// Either side.
    Both,
}

impl By {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Client => "sent by the client",
            Self::Server => "sent by the server",
            Self::Both => "sent by either side",
        }
    }
}

/// An argument or property.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Its name in the specification.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// The name of the struct's field, where another is needed.
    pub rust: Option<String>,
    /// On the wire, but not in the struct.
    #[serde(default)]
    pub reserved: bool,
    /// One sentence.
    #[serde(default)]
    pub doc: String,
}

/// A field's type on the wire, by the specification's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A truth value; neighbours share an octet.
    Bit,
    /// 8 bits.
    Octet,
    /// 16 bits.
    Short,
    /// 32 bits.
    Long,
    /// 64 bits.
    LongLong,
    /// Up to 255 bytes.
    ShortStr,
    /// Up to 4 GiB.
    LongStr,
    /// A field table.
    Table,
    /// 64 bits, seconds.
    Timestamp,
}

impl Field {
    /// The name of the struct's field.
    pub(crate) fn rust_name(&self) -> String {
        self.rust.clone().unwrap_or_else(|| self.name.replace('-', "_"))
    }
}

impl Method {
    /// The name of the struct: `declare-ok` gives `DeclareOk`.
    pub(crate) fn rust_name(&self) -> String {
        camel(&self.name)
    }

    /// The fields the struct has.
    pub(crate) fn visible(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| !field.reserved)
    }

    pub(crate) fn borrows(&self) -> bool {
        self.visible().any(|field| matches!(field.kind, Kind::ShortStr | Kind::LongStr))
    }

    pub(crate) fn has_table(&self) -> bool {
        self.visible().any(|field| field.kind == Kind::Table)
    }
}

impl Spec {
    /// The table as it stands in the source tree.
    ///
    /// # Errors
    /// When it cannot be read or says something impossible.
    pub fn read() -> Result<Self, Box<dyn Error>> {
        let text = fs::read_to_string(root().join("crates/protocol/spec/amqp-0-9-1.toml"))?;
        let spec: Self = toml::from_str(&text)?;
        spec.check()?;
        Ok(spec)
    }

    /// Says what is impossible in the table.
    fn check(&self) -> Result<(), String> {
        let mut ids = HashSet::new();
        for class in &self.class {
            for method in &class.method {
                if !ids.insert((class.id, method.id)) {
                    return Err(format!("{}.{}: number {} is taken", class.name, method.name, method.id));
                }
                for field in &method.fields {
                    if field.reserved != field.doc.is_empty() {
                        return Err(format!(
                            "{}.{}.{}: either reserved or documented",
                            class.name, method.name, field.name
                        ));
                    }
                }
            }
        }
        // Bit 0 of the flags word says that another word follows and bit 1 would be the fifteenth property.
        if self.property.len() > 14 {
            return Err("more than 14 properties need a second flags word".to_owned());
        }
        Ok(())
    }
}

/// `declare-ok` gives `DeclareOk`, `NOT_FOUND` gives `NotFound`.
pub(crate) fn camel(name: &str) -> String {
    name.split(['-', '_'])
        .map(|word| {
            let (first, rest) = word.split_at(1);
            first.to_uppercase() + &rest.to_lowercase()
        })
        .collect()
}
