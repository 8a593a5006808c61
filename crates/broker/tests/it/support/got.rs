//! What a client got, owned, so that a test can keep and compare it.

use leveret_protocol::{Content, ContentMethod, FieldTable, FieldValue, Method, Properties, ShortStr};

/// A message as it arrived.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Message {
    pub(crate) exchange: String,
    pub(crate) routing_key: String,
    pub(crate) properties: Properties,
    pub(crate) body: Vec<u8>,
}

impl Message {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn headers(&self) -> FieldTable {
        self.properties.headers.clone().unwrap_or_default()
    }

    /// A header that is text.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.properties.headers.as_ref()?.get(name)?.as_str().map(str::to_owned)
    }

    /// The entries of `x-death`, newest first.
    pub(crate) fn deaths(&self) -> Vec<Death> {
        match self.headers().get("x-death") {
            Some(FieldValue::Array(all)) => all.iter().map(|v| Death::of(v.as_table().unwrap())).collect(),
            None => Vec::new(),
            Some(other) => panic!("x-death is {other:?}"),
        }
    }
}

/// One entry of `x-death`.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Death {
    pub(crate) queue: String,
    pub(crate) reason: String,
    pub(crate) count: i64,
    pub(crate) exchange: String,
    pub(crate) routing_keys: Vec<String>,
    pub(crate) time_s: u64,
    pub(crate) original_expiration: Option<String>,
}

impl Death {
    fn of(entry: &FieldTable) -> Self {
        let text = |name: &str| entry.get(name).and_then(FieldValue::as_str).map(str::to_owned);
        let keys = entry.get("routing-keys").and_then(FieldValue::as_array).unwrap();
        let Some(FieldValue::I64(count)) = entry.get("count") else { panic!("count in {entry:?}") };
        let Some(FieldValue::Timestamp(time_s)) = entry.get("time") else { panic!("time in {entry:?}") };
        Self {
            queue: text("queue").unwrap(),
            reason: text("reason").unwrap(),
            count: *count,
            exchange: text("exchange").unwrap(),
            routing_keys: keys.iter().map(|key| key.as_str().unwrap().to_owned()).collect(),
            time_s: *time_s,
            original_expiration: text("original-expiration"),
        }
    }
}

/// One thing that arrived.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Got {
    Deliver {
        channel: u16,
        consumer: String,
        tag: u64,
        redelivered: bool,
        message: Message,
    },
    GetOk {
        channel: u16,
        tag: u64,
        redelivered: bool,
        left: u32,
        message: Message,
    },
    GetEmpty,
    Return {
        channel: u16,
        code: u16,
        text: String,
        message: Message,
    },
    Ack {
        channel: u16,
        tag: u64,
        multiple: bool,
    },
    Nack {
        channel: u16,
        tag: u64,
        multiple: bool,
    },
    /// The server cancelled a consumer.
    Cancel {
        channel: u16,
        consumer: String,
    },
    /// `channel.close`, or on channel 0 `connection.close`; the client has answered.
    Close {
        channel: u16,
        code: u16,
        text: String,
    },
    Blocked(String),
    Unblocked,
    Heartbeat,
    DeclareOk {
        queue: String,
        messages: u32,
        consumers: u32,
    },
    /// Purged or deleted.
    Count(u32),
    ConsumeOk(String),
    /// Any other reply, by its name.
    Reply(&'static str),
    /// The stream ended.
    End,
}

fn owned(text: ShortStr<'_>) -> String {
    text.to_str().unwrap().to_owned()
}

impl Got {
    pub(crate) fn method(channel: u16, method: Method<'_>) -> Self {
        match method {
            Method::BasicAck(m) => Self::Ack { channel, tag: m.delivery_tag, multiple: m.multiple },
            Method::BasicNack(m) => Self::Nack { channel, tag: m.delivery_tag, multiple: m.multiple },
            Method::BasicGetEmpty(_) => Self::GetEmpty,
            Method::BasicCancel(m) => Self::Cancel { channel, consumer: owned(m.consumer_tag) },
            Method::BasicConsumeOk(m) => Self::ConsumeOk(owned(m.consumer_tag)),
            Method::ChannelClose(m) => Self::Close { channel, code: m.reply_code, text: owned(m.reply_text) },
            Method::ConnectionClose(m) => {
                Self::Close { channel: 0, code: m.reply_code, text: owned(m.reply_text) }
            }
            Method::ConnectionBlocked(m) => Self::Blocked(owned(m.reason)),
            Method::ConnectionUnblocked(_) => Self::Unblocked,
            Method::QueueDeclareOk(m) => Self::DeclareOk {
                queue: owned(m.queue),
                messages: m.message_count,
                consumers: m.consumer_count,
            },
            Method::QueuePurgeOk(m) => Self::Count(m.message_count),
            Method::QueueDeleteOk(m) => Self::Count(m.message_count),
            other => Self::Reply(other.id().name()),
        }
    }

    pub(crate) fn content(channel: u16, content: &Content<'_>) -> Self {
        let message = |exchange, routing_key| Message {
            exchange: owned(exchange),
            routing_key: owned(routing_key),
            properties: Properties::try_from(content.properties()).unwrap(),
            body: content.body.as_slice().to_vec(),
        };
        match content.method() {
            ContentMethod::Deliver(m) => Self::Deliver {
                channel,
                consumer: owned(m.consumer_tag),
                tag: m.delivery_tag,
                redelivered: m.redelivered,
                message: message(m.exchange, m.routing_key),
            },
            ContentMethod::GetOk(m) => Self::GetOk {
                channel,
                tag: m.delivery_tag,
                redelivered: m.redelivered,
                left: m.message_count,
                message: message(m.exchange, m.routing_key),
            },
            ContentMethod::Return(m) => Self::Return {
                channel,
                code: m.reply_code,
                text: owned(m.reply_text),
                message: message(m.exchange, m.routing_key),
            },
            ContentMethod::Publish(_) => panic!("a server publishes nothing"),
        }
    }

    /// Whether this answers a synchronous method on that channel.
    pub(crate) fn answers(&self, channel: u16) -> bool {
        match self {
            Self::Close { channel: closed, .. } => *closed == channel || *closed == 0,
            Self::GetOk { .. }
            | Self::GetEmpty
            | Self::DeclareOk { .. }
            | Self::Count(_)
            | Self::ConsumeOk(_)
            | Self::Reply(_)
            | Self::End => true,
            _ => false,
        }
    }
}
