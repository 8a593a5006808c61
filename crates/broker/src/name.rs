//! Names of exchanges, queues and virtual hosts, and which of them are reserved.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::refusal::Refusal;

/// Name of an exchange, queue, virtual host or user.
///
/// UTF-8, at most 255 bytes (the length of an AMQP short string), cheap to clone.
pub type Name = Arc<str>;

/// The prefix of names that only the broker may give out (AMQP 0-9-1, `exchange.declare` and `queue.declare`).
pub const RESERVED_PREFIX: &str = "amq.";

/// What a name stands for, in the words RabbitMQ uses for it in its reply texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ResourceKind {
    /// `exchange`
    Exchange,
    /// `queue`
    Queue,
}

impl ResourceKind {
    /// The word as it stands in reply texts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exchange => "exchange",
            Self::Queue => "queue",
        }
    }
}

impl fmt::Display for ResourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether `name` starts with `amq.`, so that a client may neither declare nor delete it.
pub fn is_reserved(name: &str) -> bool {
    name.starts_with(RESERVED_PREFIX)
}

/// Refuses to let a client create an entity whose name is reserved.
///
/// # Errors
/// [`Refusal::ReservedName`] (403) when the name starts with `amq.`.
pub fn check_not_reserved(kind: ResourceKind, name: &str) -> Result<(), Refusal> {
    if is_reserved(name) { Err(Refusal::ReservedName { kind, name: name.into() }) } else { Ok(()) }
}

/// The name a client gave, without carriage returns and line feeds, which RabbitMQ removes from the names
/// in `declare` and `delete` of exchanges and queues.
pub fn strip_line_breaks(name: &str) -> Cow<'_, str> {
    if name.contains(['\r', '\n']) {
        Cow::Owned(name.chars().filter(|c| !matches!(c, '\r' | '\n')).collect())
    } else {
        Cow::Borrowed(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amq_with_a_dot_is_reserved() {
        assert!(is_reserved("amq.direct"));
        assert!(is_reserved("amq."));
        assert!(!is_reserved("amq"));
        assert!(!is_reserved("amqx.direct"));
        let refusal = check_not_reserved(ResourceKind::Queue, "amq.x").unwrap_err();
        assert_eq!(refusal.to_string(), "queue name 'amq.x' contains reserved prefix 'amq.*'");
    }

    #[test]
    fn line_breaks_are_removed_and_nothing_else() {
        assert_eq!(strip_line_breaks("a\r\nb\n c"), "ab c");
        assert!(matches!(strip_line_breaks("plain name"), Cow::Borrowed("plain name")));
    }
}
