//! What a client asks for when it declares an exchange.

use leveret_protocol::{FieldTable, FieldValue};

use super::ExchangeKind;
use super::consistent_hash::ConsistentHashRouter;
use super::recent_history::RecentHistoryRouter;
use crate::name::{Name, ResourceKind};
use crate::refusal::Refusal;

/// Name of the argument that names another exchange for messages that match nothing (RabbitMQ, "Alternate Exchanges").
pub const ALTERNATE_EXCHANGE: &str = "alternate-exchange";

/// The declaration of an exchange.
#[derive(Debug, Clone, PartialEq)]
pub struct ExchangeSpec {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub kind: ExchangeKind,
    /// Whether it survives a restart.
    pub durable: bool,
    /// Whether it goes with the last binding it is the source of, once it had one.
    pub auto_delete: bool,
    /// Whether only other exchanges may pass messages to it.
    pub internal: bool,
    /// Arguments as they were sent. Besides [`ALTERNATE_EXCHANGE`], `x-consistent-hash` reads `hash-header` and
    /// `hash-property`, `x-recent-history` reads `x-recent-history-length`.
    pub arguments: FieldTable,
}

impl ExchangeSpec {
    /// A transient exchange without arguments.
    pub fn new(name: impl Into<Name>, kind: ExchangeKind) -> Self {
        Self {
            name: name.into(),
            kind,
            durable: false,
            auto_delete: false,
            internal: false,
            arguments: FieldTable::new(),
        }
    }

    /// The exchange that gets what matches nothing here, if one is named. It need not exist.
    ///
    /// # Errors
    /// 406 when the argument is no long string.
    pub fn alternate_exchange(&self, vhost: &str) -> Result<Option<Name>, Refusal> {
        match self.arguments.get(ALTERNATE_EXCHANGE) {
            None => Ok(None),
            Some(FieldValue::LongString(name)) => Ok(Some(String::from_utf8_lossy(name).into())),
            Some(other) => Err(Refusal::argument_type(
                other,
                ALTERNATE_EXCHANGE,
                ResourceKind::Exchange,
                &self.name,
                vhost,
            )),
        }
    }

    /// Checks the arguments that the exchange's type reads.
    ///
    /// # Errors
    /// 406 when one is unacceptable.
    pub fn check_arguments(&self, vhost: &str) -> Result<(), Refusal> {
        self.alternate_exchange(vhost)?;
        self.deduplication(vhost)?;
        if self.routing_kind()? == ExchangeKind::ConsistentHash {
            ConsistentHashRouter::new(&self.arguments, &self.name, vhost)?;
        }
        if self.kind == ExchangeKind::RecentHistory {
            RecentHistoryRouter::new(&self.arguments)?;
        }
        Ok(())
    }
}
