//! What a client said, in short.

use leveret_protocol::{ContentMethod, Incoming, Method};

/// What came from the client.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub(crate) name: &'static str,
    pub(crate) channel: u16,
    /// Body of a publishing, queue, consumer tag, delivery tag: what there is to tell it by.
    pub(crate) text: String,
}

pub(crate) fn describe(incoming: &Incoming<'_>) -> Got {
    let (channel, name, text) = match incoming {
        Incoming::Partial => (0, "", String::new()),
        Incoming::Heartbeat => (0, "heartbeat", String::new()),
        Incoming::Content { channel, content } => {
            assert!(matches!(content.method(), ContentMethod::Publish(_)));
            (*channel, "basic.publish", String::from_utf8_lossy(content.body.as_slice()).into_owned())
        }
        Incoming::Method { channel, method } => {
            let text = match method {
                Method::QueueDeclare(declare) => declare.queue.to_lossy().into_owned(),
                Method::BasicConsume(consume) => consume.consumer_tag.to_lossy().into_owned(),
                Method::BasicCancel(cancel) => cancel.consumer_tag.to_lossy().into_owned(),
                Method::BasicAck(ack) => ack.delivery_tag.to_string(),
                _ => String::new(),
            };
            (*channel, method.id().name(), text)
        }
    };
    Got { name, channel, text }
}
