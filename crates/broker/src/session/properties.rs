//! Properties of a publishing: what is refused, and what is rewritten before a message is kept.

use super::Session;
use super::errors::IntoError as _;
use super::publish::REPLY_PREFIX;
use leveret_protocol::{FieldTable, Properties, ProtocolError, RawProperties, ReplyCode};

impl Session {
    /// Refuses properties that lie or do not parse, in RabbitMQ's order; returns the time to live in milliseconds.
    pub(super) fn check_properties(
        &self,
        channel: u16,
        properties: RawProperties<'_>,
    ) -> Result<Option<u64>, ProtocolError> {
        if properties.reply_to().is_some_and(|reply_to| reply_to == super::queue::REPLY_TO) {
            self.reply_token(channel)?;
        }
        if let Some(claimed) = properties.user_id() {
            let user = &self.negotiated.actor.user;
            self.broker.auth().check_user_id(user, claimed.as_bytes()).or_refuse(channel)?;
        }
        let refused = |text| ProtocolError::channel(channel, ReplyCode::PreconditionFailed, text);
        let ttl_ms = match properties.expiration() {
            None => None,
            Some(expiration) => {
                let digits = expiration.to_str().ok();
                let parsed =
                    digits.and_then(|text| text.parse::<u64>().ok()).filter(|ms| *ms <= EXPIRATION_MS_MAX);
                let problem = || expiration_problem(&expiration.to_lossy());
                Some(
                    parsed.ok_or_else(|| {
                        refused(format!("invalid expiration '{expiration}': {}", problem()))
                    })?,
                )
            }
        };
        match properties.delivery_mode().filter(|mode| !matches!(mode, 1 | 2)) {
            Some(mode) => Err(refused(format!("invalid message: {{delivery_mode_unknown,{mode}}}"))),
            None => Ok(ttl_ms),
        }
    }

    /// The channel's address for direct replies.
    fn reply_token(&self, channel: u16) -> Result<&str, ProtocolError> {
        let open = self.channels.get(usize::from(channel)).and_then(Option::as_ref);
        let consumer = open.and_then(|open| open.reply_consumer.as_ref());
        let missing = || {
            let text = "fast reply consumer does not exist";
            ProtocolError::channel(channel, ReplyCode::PreconditionFailed, text)
        };
        consumer.map(|consumer| &*consumer.token).ok_or_else(missing)
    }

    /// Takes `BCC` out and puts a real address in place of the reply pseudo-queue.
    pub(super) fn rewrite(
        &self,
        channel: u16,
        properties: RawProperties<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        let precondition = |text: &str| ProtocolError::channel(channel, ReplyCode::PreconditionFailed, text);
        let mut headers: Option<FieldTable> = match properties.headers() {
            Some(headers) => Some(headers.decode().map_err(|e| precondition(&e.to_string()))?),
            None => None,
        };
        if let Some(headers) = &mut headers {
            headers.remove("BCC");
        }
        let reply_to = match properties.reply_to() {
            Some(reply_to) if reply_to == super::queue::REPLY_TO => {
                Some(format!("{REPLY_PREFIX}{}", self.reply_token(channel)?))
            }
            _ => None,
        };
        match reply_to {
            None => properties.write_with_headers(headers.as_ref(), true, out),
            Some(reply_to) => {
                let owned = Properties::try_from(properties).map_err(|e| precondition(&e.to_string()))?;
                Properties { headers, reply_to: Some(reply_to), ..owned }.encode(out);
            }
        }
        Ok(())
    }
}

/// RabbitMQ takes at most ten years.
const EXPIRATION_MS_MAX: u64 = crate::queue::arguments::EXPIRY_MS_MAX as u64;

/// RabbitMQ's words for what is wrong with an expiration.
pub(crate) fn expiration_problem(text: &str) -> String {
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    let negative = text
        .strip_prefix('-')
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()));
    if negative {
        return format!("{{value_negative,{text}}}");
    }
    if digits == text.len() && digits > 0 {
        return format!("{{value_too_large,{text}}}");
    }
    if digits > 0 { format!("{{leftover_string,\"{}\"}}", &text[digits..]) } else { "no_integer".into() }
}

/// Which properties need more than being kept.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Extras {
    pub(super) cc: bool,
    pub(super) bcc: bool,
    pub(super) reply_to: bool,
}

impl Extras {
    pub(super) fn of(properties: RawProperties<'_>) -> Self {
        let headers = properties.headers();
        Self {
            cc: headers.is_some_and(|headers| headers.get("CC").is_some()),
            bcc: headers.is_some_and(|headers| headers.get("BCC").is_some()),
            reply_to: properties.reply_to().is_some_and(|reply_to| reply_to == super::queue::REPLY_TO),
        }
    }
}
