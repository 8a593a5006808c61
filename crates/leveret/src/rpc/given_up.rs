//! Telling responders that an asker waits no longer.
//!
//! No call costs a round trip for it: only one that is given up, or has no answer in time, sends a small message. It goes to `amq.direct`, which
//! every vhost has, so that nothing has to be declared; each responder of that name has a queue of its own bound there. It is no promise:
//! a responder that does not hear of it works for nobody, as it did before, until the request's deadline.

use std::time::Duration;

use leveret_client::{Channel, Connection, Error, Message};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::asker::connected;
use super::question::Out;

/// Where it is told.
pub(super) const EXCHANGE: &str = "amq.direct";
/// Before the name of what was asked: a queue, or an exchange.
const PREFIX: &str = "leveret.given-up.";
/// What waits to be told, at most; more is not.
const WAITING_MAX: usize = 1024;
/// How long telling one may take, a connection that is away included.
const TELL_TIME: Duration = Duration::from_secs(30);
/// It is remembered for as long as the asker would have waited, and so long at least: what was delivered ahead of time no longer expires.
const REMEMBER_MIN: Duration = Duration::from_secs(60);

/// The key under which it is told; a name that is too long is cut, and shares its key with others like it, which does no harm.
pub(super) fn key(exchange: &str, routing_key: &str) -> String {
    let mut key = PREFIX.to_owned() + if exchange.is_empty() { routing_key } else { exchange };
    key.truncate(key.floor_char_boundary(255));
    key
}

/// A time as the `expiration` of a message. RabbitMQ takes no more than 2^32 - 1 ms, 49 days, and closes the channel over more.
pub(super) fn expiration(time: Duration) -> String {
    time.as_millis().clamp(1, u32::MAX.into()).to_string()
}

/// A request nobody waits for any more.
struct GivenUp {
    id: String,
    until: Instant,
}

/// What a requester tells of those it gave up; dropped, what was given up before is told still.
pub(super) struct Teller(mpsc::Sender<GivenUp>);

impl Teller {
    pub(super) fn new(connection: Connection, key: String) -> Self {
        let (sender, waiting) = mpsc::channel(WAITING_MAX);
        tokio::spawn(tell_all(connection, key, waiting));
        Self(sender)
    }

    /// For a question that somebody begins to wait for: dropping it tells that it was given up, if an attempt of it is out.
    pub(super) fn asking(&self, id: String, until: Instant) -> Asking<'_> {
        Asking { teller: self, given_up: Some(GivenUp { id, until }), out: Out::default() }
    }
}

/// A question that somebody waits for.
pub(super) struct Asking<'a> {
    teller: &'a Teller,
    given_up: Option<GivenUp>,
    out: Out,
}

impl Asking<'_> {
    /// Where its attempts are counted.
    pub(super) fn out(&self) -> Out {
        self.out.clone()
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if let Some(given_up) = self.given_up.take().filter(|_| self.out.is_left()) {
            // Too many at once, or the broker does not let us: they find out by their deadline.
            let _ = self.teller.0.try_send(given_up);
        }
    }
}

async fn tell_all(connection: Connection, key: String, mut waiting: mpsc::Receiver<GivenUp>) {
    let mut channel = None;
    while let Some(GivenUp { id, until }) = waiting.recv().await {
        let left = until.saturating_duration_since(Instant::now()).max(REMEMBER_MIN);
        let mut message = Message::default().exchange(EXCHANGE).routing_key(key.clone());
        message.properties.correlation_id = Some(id);
        message.properties.expiration = Some(expiration(left));
        message.properties.delivery_mode = Some(1);
        match timeout(TELL_TIME, tell(&connection, &mut channel, message)).await {
            Ok(Ok(())) => {}
            Ok(Err(error @ Error::Closed { code: 403 | 404, .. })) => {
                tracing::warn!(key, %error, "responders are not told when an asker gives up");
                return;
            }
            Ok(Err(error)) => tracing::debug!(key, %error, "a responder was not told that its asker gave up"),
            Err(_) => {
                tracing::debug!(key, "a responder was not told within {TELL_TIME:?} that its asker gave up");
            }
        }
    }
}

async fn tell(connection: &Connection, open: &mut Option<Channel>, message: Message) -> Result<(), Error> {
    connected(connection).await;
    if let Some(channel) = open
        && let Some(error) = channel.closed()
    {
        *open = None;
        if matches!(error, Error::Closed { code: 403 | 404, .. }) {
            return Err(error);
        }
    }
    let channel = match open {
        Some(channel) => channel,
        None => open.insert(connection.channel().await?),
    };
    channel.basic_publish(message).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_fits_whatever_was_asked() {
        assert_eq!(key("", "stock"), "leveret.given-up.stock");
        assert_eq!(key("questions", "stock.of.tea"), "leveret.given-up.questions");
        let long = key("", &"ä".repeat(127));
        assert_eq!((long.len(), long.starts_with(PREFIX)), (255, true));
    }
}
