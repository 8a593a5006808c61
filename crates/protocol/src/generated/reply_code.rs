//! Reply codes: why a channel or connection is closed, or a message returned.
//!
//! Generated from `spec/amqp-0-9-1.toml` by `cargo run -p xtask -- generate`; change the table, not this file.

/// Why a channel or connection is closed, or a message returned (AMQP 0-9-1, section 1.2 "constants").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u16)]
pub enum ReplyCode {
    /// Everything went well; the reply code of an orderly close.
    ReplySuccess = 200,
    /// The content is larger than the server takes at the moment.
    ContentTooLarge = 311,
    /// A mandatory message matched no queue; the reply code of `basic.return`.
    NoRoute = 312,
    /// An immediate message could not be delivered to a consumer at once.
    NoConsumers = 313,
    /// An operator closed the connection; the client may try again later.
    ConnectionForced = 320,
    /// The client asked for an unknown virtual host.
    InvalidPath = 402,
    /// The user has no permission for the entity, or the login was refused.
    AccessRefused = 403,
    /// The entity does not exist.
    NotFound = 404,
    /// Another connection holds the entity exclusively.
    ResourceLocked = 405,
    /// A condition of the method does not hold, for example an entity declared with other arguments.
    PreconditionFailed = 406,
    /// A frame could not be decoded.
    FrameError = 501,
    /// A frame holds an illegal value for a field.
    SyntaxError = 502,
    /// The method is not allowed here: wrong order, or meant for the other side.
    CommandInvalid = 503,
    /// The channel is not opened, or opened already.
    ChannelError = 504,
    /// A frame arrived that may not follow the one before, usually around a content.
    UnexpectedFrame = 505,
    /// The server lacks the resources for the method.
    ResourceError = 506,
    /// Server policy or negotiated values forbid it.
    NotAllowed = 530,
    /// The server does not implement the method or a value of it.
    NotImplemented = 540,
    /// The server failed; an operator has to look.
    InternalError = 541,
}

impl ReplyCode {
    /// Every reply code, in order.
    pub const ALL: [Self; 19] = [
        Self::ReplySuccess,
        Self::ContentTooLarge,
        Self::NoRoute,
        Self::NoConsumers,
        Self::ConnectionForced,
        Self::InvalidPath,
        Self::AccessRefused,
        Self::NotFound,
        Self::ResourceLocked,
        Self::PreconditionFailed,
        Self::FrameError,
        Self::SyntaxError,
        Self::CommandInvalid,
        Self::ChannelError,
        Self::UnexpectedFrame,
        Self::ResourceError,
        Self::NotAllowed,
        Self::NotImplemented,
        Self::InternalError,
    ];

    /// The number on the wire.
    #[must_use]
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// The reply code with this number.
    #[must_use]
    pub const fn from_code(code: u16) -> Option<Self> {
        Some(match code {
            200 => Self::ReplySuccess,
            311 => Self::ContentTooLarge,
            312 => Self::NoRoute,
            313 => Self::NoConsumers,
            320 => Self::ConnectionForced,
            402 => Self::InvalidPath,
            403 => Self::AccessRefused,
            404 => Self::NotFound,
            405 => Self::ResourceLocked,
            406 => Self::PreconditionFailed,
            501 => Self::FrameError,
            502 => Self::SyntaxError,
            503 => Self::CommandInvalid,
            504 => Self::ChannelError,
            505 => Self::UnexpectedFrame,
            506 => Self::ResourceError,
            530 => Self::NotAllowed,
            540 => Self::NotImplemented,
            541 => Self::InternalError,
            _ => return None,
        })
    }

    /// The name as RabbitMQ writes it before a reply text, for example `NOT_FOUND`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReplySuccess => "REPLY_SUCCESS",
            Self::ContentTooLarge => "CONTENT_TOO_LARGE",
            Self::NoRoute => "NO_ROUTE",
            Self::NoConsumers => "NO_CONSUMERS",
            Self::ConnectionForced => "CONNECTION_FORCED",
            Self::InvalidPath => "INVALID_PATH",
            Self::AccessRefused => "ACCESS_REFUSED",
            Self::NotFound => "NOT_FOUND",
            Self::ResourceLocked => "RESOURCE_LOCKED",
            Self::PreconditionFailed => "PRECONDITION_FAILED",
            Self::FrameError => "FRAME_ERROR",
            Self::SyntaxError => "SYNTAX_ERROR",
            Self::CommandInvalid => "COMMAND_INVALID",
            Self::ChannelError => "CHANNEL_ERROR",
            Self::UnexpectedFrame => "UNEXPECTED_FRAME",
            Self::ResourceError => "RESOURCE_ERROR",
            Self::NotAllowed => "NOT_ALLOWED",
            Self::NotImplemented => "NOT_IMPLEMENTED",
            Self::InternalError => "INTERNAL_ERROR",
        }
    }

    /// Whether the error closes a channel only; else it closes the connection.
    #[must_use]
    pub const fn is_channel_error(self) -> bool {
        matches!(
            self,
            Self::ContentTooLarge
                | Self::NoRoute
                | Self::NoConsumers
                | Self::AccessRefused
                | Self::NotFound
                | Self::ResourceLocked
                | Self::PreconditionFailed
        )
    }
}
