//! Sending rows: one lane, one message, and what an error says of it.

use std::time::Duration;

use leveret_client::{Error, Message, Properties, Publisher, PublisherOptions, RawProperties, SendError};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::lanes::Lane;
use super::rows::{Outcome, Row};
use crate::failure::truncate;
use crate::mq::Mq;
use crate::{metrics, trace};

/// Bytes of a reason that are kept in the row.
const REASON_BYTES_MAX: usize = 1000;

/// What a row's sending ended with.
pub(super) type Ended = (i64, Outcome, Trouble);

/// Whether the broker could be reached at all.
#[derive(Debug, Clone, Default)]
pub(super) enum Trouble {
    #[default]
    None,
    /// Not now.
    Away,
    /// Never again.
    Closed(Error),
}

/// What all lanes of a relay share.
#[derive(Clone)]
pub(super) struct Sender {
    /// What must reach a queue, and what need not.
    mandatory: Publisher,
    optional: Publisher,
    pauses: (Duration, Duration),
}

impl Sender {
    pub(super) async fn open(
        mq: &Mq,
        deadline: Duration,
        pauses: (Duration, Duration),
    ) -> Result<Self, Error> {
        let options = PublisherOptions::default().deadline(deadline);
        let mandatory = mq.publishing().publisher(options.clone()).await?;
        let optional = mq.publishing().publisher(options.mandatory(false)).await?;
        Ok(Self { mandatory, optional, pauses })
    }

    /// Sends the rows of a lane one after the other, each when the one before it is confirmed, until one fails, `stop` is cancelled or it
    /// is too late to begin. Every row has an end, those behind it too.
    pub(super) async fn lane(
        self,
        lane: Lane,
        begin_before: Instant,
        stop: CancellationToken,
        ended: mpsc::Sender<Ended>,
    ) {
        let mut goes_on = true;
        for row in lane {
            let (outcome, trouble) = if goes_on && !stop.is_cancelled() && Instant::now() < begin_before {
                self.row(&row).await
            } else {
                (Outcome::Released, Trouble::None)
            };
            goes_on = outcome == Outcome::Sent;
            if ended.send((row.seq, outcome, trouble)).await.is_err() {
                // Nobody writes it down any more: the lease will be over.
                return;
            }
        }
    }

    async fn row(&self, row: &Row) -> (Outcome, Trouble) {
        let message = match message(row) {
            Ok(message) => message,
            Err(reason) => return (self.failed(row, reason), Trouble::None),
        };
        let publisher = if row.mandatory { &self.mandatory } else { &self.optional };
        let span = trace::publish_span(&row.exchange, &row.routing_key, &message.properties);
        match publisher.send(message).instrument(span.clone()).await {
            Ok(_) => (Outcome::Sent, Trouble::None),
            Err(error) => {
                trace::failed(&span, metrics::word(&error));
                tracing::warn!(id = row.id, key = row.key, exchange = row.exchange, routing_key = row.routing_key, %error, "not sent from the outbox");
                match error {
                    // Nothing of it was written: that says nothing of the message.
                    SendError::Deadline => (Outcome::Released, Trouble::Away),
                    SendError::Closed(error) => (Outcome::Released, Trouble::Closed(error)),
                    // It may be what the connection breaks of, so it counts.
                    SendError::Unconfirmed { .. } => (self.failed(row, error.to_string()), Trouble::Away),
                    _ => (self.failed(row, error.to_string()), Trouble::None),
                }
            }
        }
    }

    fn failed(&self, row: &Row, mut reason: String) -> Outcome {
        truncate(&mut reason, REASON_BYTES_MAX);
        Outcome::Failed { reason, pause: pause(self.pauses, row.attempts) }
    }
}

/// After so many failures before: the first pause, doubled each time up to the last.
fn pause((first, last): (Duration, Duration), failures: u32) -> Duration {
    let factor = 2_u32.saturating_pow(failures.min(31));
    first.saturating_mul(factor).min(last)
}

/// The row as it is sent.
fn message(row: &Row) -> Result<Message, String> {
    let raw = RawProperties::parse(&row.properties)
        .map_err(|error| format!("the row's properties are not AMQP's: {error}"))?;
    let mut properties =
        Properties::try_from(raw).map_err(|error| format!("the row's properties: {error}"))?;
    // Whoever wrote the row: consumers tell by this that it came before.
    properties.message_id = Some(row.id.clone());
    let message = Message::new(row.body.clone()).properties(properties);
    Ok(message.exchange(row.exchange.clone()).routing_key(row.routing_key.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_last() {
        let seconds =
            |failures| pause((Duration::from_secs(1), Duration::from_secs(300)), failures).as_secs();
        assert_eq!([0, 1, 2, 8, 9, 40, u32::MAX].map(seconds), [1, 2, 4, 256, 300, 300, 300]);
    }
}
