//! Class and method numbers, and their names.

use std::fmt;

use crate::generated::method_id::{is_sent_by_client, is_sent_by_server, name};
use crate::inbound::Role;
use crate::wire::{Reader, WireError};

/// Class and method number, as on the wire and in the close methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MethodId {
    /// Number of the class.
    pub class: u16,
    /// Number of the method within its class.
    pub method: u16,
}

impl MethodId {
    /// The method with these numbers; it need not exist.
    #[must_use]
    pub const fn new(class: u16, method: u16) -> Self {
        Self { class, method }
    }

    /// Reads both numbers.
    #[inline]
    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { class: reader.u16()?, method: reader.u16()? })
    }

    /// The specification's name, for example `queue.declare-ok`, or `unknown`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match name(self.class, self.method) {
            Some(name) => name,
            None => "unknown",
        }
    }

    /// The name as RabbitMQ prints it in texts, for example `'queue.declare_ok'`, quotes included.
    #[must_use]
    pub fn erlang_name(self) -> String {
        format!("'{}'", self.name().replace('-', "_"))
    }

    /// Whether this side may receive the method.
    #[must_use]
    pub const fn is_received_by(self, role: Role) -> bool {
        match role {
            Role::Server => is_sent_by_client(self.class, self.method),
            Role::Client => is_sent_by_server(self.class, self.method),
        }
    }
}

impl fmt::Display for MethodId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match name(self.class, self.method) {
            Some(name) => f.pad(name),
            None => write!(f, "{}.{}", self.class, self.method),
        }
    }
}
