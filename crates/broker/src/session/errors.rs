//! From the broker's refusals to what AMQP tells the client.

use crate::refusal::Refusal;
use leveret_protocol::{ProtocolError, ReplyCode, ShortStr};
use leveret_store::StoreError;

/// A refusal becomes an error on a channel, or of the connection where its code says so.
pub(crate) trait IntoError<T> {
    fn or_refuse(self, channel: u16) -> Result<T, ProtocolError>;
}

impl<T> IntoError<T> for Result<T, Refusal> {
    #[inline]
    fn or_refuse(self, channel: u16) -> Result<T, ProtocolError> {
        self.map_err(|refusal| ProtocolError::channel(channel, refusal.code(), refusal.to_string()))
    }
}

/// Reads an entity's name; names must be UTF-8, because tools print them as JSON.
#[inline]
pub(crate) fn name(value: ShortStr<'_>) -> Result<&str, ProtocolError> {
    value.to_str().map_err(|_| {
        let text = format!("name {value:?} is not UTF-8");
        ProtocolError::connection(ReplyCode::SyntaxError, text)
    })
}

/// The store failed: what the client asked for is not stored, and never will be by this process.
pub(crate) fn store_failed(error: StoreError) -> ProtocolError {
    ProtocolError::connection(ReplyCode::InternalError, error.to_string())
}
