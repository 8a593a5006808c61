//! The exchange types and their names.

use std::fmt;

use crate::refusal::Refusal;

/// How an exchange chooses the destinations of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExchangeKind {
    /// `direct`: the binding key equals the routing key.
    Direct,
    /// `fanout`: every binding.
    Fanout,
    /// `topic`: the binding key is a pattern over the words of the routing key.
    Topic,
    /// `headers`: the binding's arguments are compared with the message's headers.
    Headers,
    /// `x-consistent-hash`: one binding, chosen by a hash, in proportion to the bindings' weights.
    ConsistentHash,
    /// `x-delayed-message`: after a while, as another type.
    Delayed,
    /// `x-random`: one binding by chance.
    Random,
    /// `x-local-random`: one binding by chance, of those whose queues are on this machine, which is all.
    LocalRandom,
    /// `x-modulus-hash`: one binding, chosen by the hash of the routing key modulo their number.
    ModulusHash,
    /// `x-recent-history`: every binding, and the last messages to those made later.
    RecentHistory,
    /// `x-message-deduplication`: every binding, for what did not come before.
    Deduplicating,
}

impl ExchangeKind {
    /// Every exchange type.
    pub const ALL: [Self; 11] = [
        Self::Direct,
        Self::Fanout,
        Self::Topic,
        Self::Headers,
        Self::ConsistentHash,
        Self::Random,
        Self::LocalRandom,
        Self::ModulusHash,
        Self::RecentHistory,
        Self::Delayed,
        Self::Deduplicating,
    ];

    /// The name a client declares it by.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Fanout => "fanout",
            Self::Topic => "topic",
            Self::Headers => "headers",
            Self::ConsistentHash => "x-consistent-hash",
            Self::Delayed => "x-delayed-message",
            Self::Random => "x-random",
            Self::LocalRandom => "x-local-random",
            Self::ModulusHash => "x-modulus-hash",
            Self::RecentHistory => "x-recent-history",
            Self::Deduplicating => "x-message-deduplication",
        }
    }

    /// The type of this name. Names are compared exactly, as RabbitMQ does: `DIRECT` is unknown.
    ///
    /// # Errors
    /// [`Refusal::UnknownExchangeType`] (503).
    pub fn parse(name: &str) -> Result<Self, Refusal> {
        let unknown = || Refusal::UnknownExchangeType { kind: name.into() };
        Self::ALL.into_iter().find(|kind| kind.as_str() == name).ok_or_else(unknown)
    }
}

impl fmt::Display for ExchangeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leveret_protocol::ReplyCode;

    #[test]
    fn names_are_parsed_exactly() {
        for kind in ExchangeKind::ALL {
            assert_eq!(ExchangeKind::parse(&kind.to_string()), Ok(kind));
        }
        for unknown in ["", "DIRECT", "random", "x-recent", "x-nothing"] {
            let refusal = ExchangeKind::parse(unknown).unwrap_err();
            assert_eq!(refusal.code(), ReplyCode::CommandInvalid);
            assert_eq!(refusal.to_string(), format!("unknown exchange type '{unknown}'"));
        }
    }
}
