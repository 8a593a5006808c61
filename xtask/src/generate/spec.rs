//! The table's shape, and what must hold in it.

use std::collections::HashSet;

use serde::Deserialize;

/// The whole table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    pub(crate) reply_code: Vec<ReplyCode>,
    pub(crate) property: Vec<Field>,
    pub(crate) class: Vec<Class>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplyCode {
    pub(crate) code: u16,
    pub(crate) name: String,
    pub(crate) scope: Scope,
    pub(crate) doc: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scope {
    None,
    Channel,
    Connection,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Class {
    pub(crate) name: String,
    pub(crate) id: u16,
    pub(crate) doc: String,
    pub(crate) method: Vec<Method>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Method {
    pub(crate) name: String,
    pub(crate) id: u16,
    pub(crate) by: By,
    #[serde(default)]
    pub(crate) content: bool,
    pub(crate) doc: String,
    #[serde(default)]
    pub(crate) fields: Vec<Field>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum By {
    Client,
    Server,
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

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Field {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    pub(crate) rust: Option<String>,
    #[serde(default)]
    pub(crate) reserved: bool,
    #[serde(default)]
    pub(crate) doc: String,
}

/// A field's type on the wire, by the specification's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Bit,
    Octet,
    Short,
    Long,
    LongLong,
    ShortStr,
    LongStr,
    Table,
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
    /// Says what is impossible in the table.
    pub(crate) fn check(&self) -> Result<(), String> {
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
