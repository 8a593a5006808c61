//! The typed answer "no" to an operation on an entity.
//!
//! A decision is made once and refused with one of these values; each door maps it to its own words. AMQP sends
//! [`Refusal::code`] and the `Display` text, which is RabbitMQ's explanation without the leading `NAME - `.

use std::fmt;

use leveret_protocol::{FieldValue, ReplyCode};

use crate::name::{Name, ResourceKind};

/// What a user may be allowed to do with an exchange or queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Create, delete or change the entity.
    Configure,
    /// Put messages into it: publish to an exchange, be the destination of a binding.
    Write,
    /// Take messages from it: consume from a queue, be the source of a binding.
    Read,
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Configure => "configure",
            Self::Write => "write",
            Self::Read => "read",
        })
    }
}

/// Why an operation on an entity was refused.
///
/// Whether the refusal closes the channel or the connection follows from [`Refusal::code`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// 404: there is no such queue.
    #[error("no queue '{queue}' in vhost '{vhost}'")]
    NoQueue {
        /// The name asked for.
        queue: Name,
        /// Where it was looked for.
        vhost: Name,
    },
    /// 404: there is no such exchange.
    #[error("no exchange '{exchange}' in vhost '{vhost}'")]
    NoExchange {
        /// The name asked for.
        exchange: Name,
        /// Where it was looked for.
        vhost: Name,
    },
    /// 530: there is no such virtual host.
    #[error("vhost {vhost} not found")]
    NoVhost {
        /// The name asked for.
        vhost: Name,
    },
    /// 403: the user's permissions do not cover the entity.
    #[error("{permission} access to {kind} '{name}' in vhost '{vhost}' refused for user '{user}'")]
    AccessRefused {
        /// What was asked for.
        permission: Permission,
        /// Kind of the entity.
        kind: ResourceKind,
        /// Name of the entity.
        name: Name,
        /// Virtual host of the entity.
        vhost: Name,
        /// Who asked.
        user: Name,
    },
    /// 403: the user's topic permissions do not cover the routing key.
    #[error(
        "{permission} access to topic '{routing_key}' in exchange '{exchange}' in vhost '{vhost}' \
         refused for user '{user}'"
    )]
    TopicAccessRefused {
        /// What was asked for.
        permission: Permission,
        /// Routing key or binding key; lossily decoded when it is not UTF-8.
        routing_key: String,
        /// The topic exchange.
        exchange: Name,
        /// Virtual host of the exchange.
        vhost: Name,
        /// Who asked.
        user: Name,
    },
    /// 403: only the broker gives out names that start with `amq.`.
    #[error("{kind} name '{name}' contains reserved prefix 'amq.*'")]
    ReservedName {
        /// Kind of the entity.
        kind: ResourceKind,
        /// The name asked for.
        name: Name,
    },
    /// 403: the pre-declared exchanges cannot be deleted.
    #[error("deletion of system exchange '{exchange}' in vhost '{vhost}' not allowed")]
    SystemExchange {
        /// Name of the exchange.
        exchange: Name,
        /// Virtual host of the exchange.
        vhost: Name,
    },
    /// 403: the default exchange cannot be declared, deleted, bound or unbound.
    #[error("operation not permitted on the default exchange")]
    DefaultExchange,
    /// 403: clients cannot publish to an internal exchange.
    #[error("cannot publish to internal exchange '{exchange}' in vhost '{vhost}'")]
    InternalExchange {
        /// Name of the exchange.
        exchange: Name,
        /// Virtual host of the exchange.
        vhost: Name,
    },
    /// 405: the queue is exclusive to another connection, or was re-declared with another `exclusive` bit.
    #[error(
        "cannot obtain exclusive access to locked queue '{queue}' in vhost '{vhost}'. It could be originally \
         declared on another connection or the exclusive property value does not match that of the original \
         declaration."
    )]
    Locked {
        /// Name of the queue.
        queue: Name,
        /// Virtual host of the queue.
        vhost: Name,
    },
    /// 403: the queue has an exclusive consumer, or one cannot be added beside those it has.
    #[error("queue '{queue}' in vhost '{vhost}' in exclusive use")]
    ExclusiveUse {
        /// Name of the queue.
        queue: Name,
        /// Virtual host of the queue.
        vhost: Name,
    },
    /// 406: deletion was asked for only if unused.
    #[error("{kind} '{name}' in vhost '{vhost}' in use")]
    InUse {
        /// Kind of the entity.
        kind: ResourceKind,
        /// Name of the entity.
        name: Name,
        /// Virtual host of the entity.
        vhost: Name,
    },
    /// 406: deletion was asked for only if empty.
    #[error("queue '{queue}' in vhost '{vhost}' not empty")]
    NotEmpty {
        /// Name of the queue.
        queue: Name,
        /// Virtual host of the queue.
        vhost: Name,
    },
    /// 406: the entity exists with another property or argument.
    #[error(
        "inequivalent arg '{arg}' for {kind} '{name}' in vhost '{vhost}': received {received} but current is {current}"
    )]
    Inequivalent {
        /// Name of the property or argument.
        arg: String,
        /// Kind of the entity.
        kind: ResourceKind,
        /// Name of the entity.
        name: Name,
        /// Virtual host of the entity.
        vhost: Name,
        /// The value of the new declaration, in RabbitMQ's words: `'false'`, `none`,
        /// `the value '10' of type 'signedint'`.
        received: String,
        /// The value of the existing entity, in the same words.
        current: String,
    },
    /// 406: the value of an argument is not acceptable.
    #[error("invalid arg '{arg}' for {kind} '{name}' in vhost '{vhost}': {reason}")]
    InvalidArgument {
        /// Name of the argument.
        arg: String,
        /// Kind of the entity.
        kind: ResourceKind,
        /// Name of the entity.
        name: Name,
        /// Virtual host of the entity.
        vhost: Name,
        /// What is wrong, in RabbitMQ's words: `{value_zero,0}`.
        reason: String,
    },
    /// 503: no exchange type has this name.
    #[error("unknown exchange type '{kind}'")]
    UnknownExchangeType {
        /// The type asked for.
        kind: String,
    },
    /// 406: a limit on the number of entities in the virtual host is reached.
    #[error("cannot declare {kind} '{name}': {kind} limit in vhost '{vhost}' ({limit}) is reached")]
    LimitReached {
        /// Kind of the entity.
        kind: ResourceKind,
        /// The name asked for.
        name: Name,
        /// Virtual host that is full.
        vhost: Name,
        /// The largest number allowed.
        limit: u64,
    },
    /// 406: a policy, parameter or limit is not acceptable.
    #[error("Validation failed\n\n{reason}\n")]
    Validation {
        /// What is wrong, in RabbitMQ's words: `-1 is not a valid maximum length`.
        reason: String,
    },
    /// Anything that happens in one place only.
    #[error("{text}")]
    Other {
        /// What AMQP answers with.
        code: ReplyCode,
        /// The explanation.
        text: String,
    },
}

impl Refusal {
    /// A refusal that has no variant of its own.
    pub fn other(code: ReplyCode, text: impl Into<String>) -> Self {
        Self::Other { code, text: text.into() }
    }

    /// A policy, parameter or limit is not acceptable.
    pub(crate) fn validation(reason: impl Into<String>) -> Self {
        Self::Validation { reason: reason.into() }
    }

    /// A refusal with 406 PRECONDITION_FAILED that has no variant of its own.
    pub fn precondition(text: impl Into<String>) -> Self {
        Self::other(ReplyCode::PreconditionFailed, text)
    }

    /// 406: an argument that names an exchange or header is no long string.
    pub(crate) fn argument_type(
        value: &FieldValue,
        arg: &str,
        kind: ResourceKind,
        name: &str,
        vhost: &str,
    ) -> Self {
        let type_name = value.type_name();
        Self::precondition(format!(
            "invalid type '{type_name}' for arg '{arg}' in {kind} '{name}' in vhost '{vhost}'"
        ))
    }

    /// The AMQP reply code, which also says whether the channel or the connection is closed.
    pub fn code(&self) -> ReplyCode {
        match self {
            Self::NoQueue { .. } | Self::NoExchange { .. } => ReplyCode::NotFound,
            Self::NoVhost { .. } => ReplyCode::NotAllowed,
            Self::AccessRefused { .. }
            | Self::TopicAccessRefused { .. }
            | Self::ReservedName { .. }
            | Self::SystemExchange { .. }
            | Self::DefaultExchange
            | Self::InternalExchange { .. }
            | Self::ExclusiveUse { .. } => ReplyCode::AccessRefused,
            Self::Locked { .. } => ReplyCode::ResourceLocked,
            Self::InUse { .. }
            | Self::NotEmpty { .. }
            | Self::Inequivalent { .. }
            | Self::InvalidArgument { .. }
            | Self::LimitReached { .. }
            | Self::Validation { .. } => ReplyCode::PreconditionFailed,
            Self::UnknownExchangeType { .. } => ReplyCode::CommandInvalid,
            Self::Other { code, .. } => *code,
        }
    }
}
