//! Messages on their way: so many at a time, and what became of each.

use super::blocked;
use crate::failure::Failure;
use crate::output::Progress;
use leveret_client::{Confirm, Connection, ConnectionState, Message, Publisher, SendError};
use std::collections::VecDeque;

/// Messages on their way; more are published once the first of them is confirmed.
const IN_FLIGHT_MAX: usize = 1024;

/// What is on its way.
pub(super) struct Sending {
    connection: Connection,
    pub(super) publisher: Publisher,
    confirms: VecDeque<Confirm>,
    pub(super) confirmed: u64,
    progress: Progress,
}

impl Sending {
    pub(super) fn new(connection: Connection, publisher: Publisher, is_shown: bool) -> Sending {
        Sending {
            connection,
            publisher,
            confirms: VecDeque::new(),
            confirmed: 0,
            progress: Progress::new("published", 0, is_shown),
        }
    }

    pub(super) async fn send(&mut self, message: Message) -> Result<(), Failure> {
        let confirm = self
            .publisher
            .enqueue(message)
            .await
            .map_err(|error| explained(&error, &self.connection.state()))?;
        self.confirms.push_back(confirm);
        while self.confirms.len() >= IN_FLIGHT_MAX {
            self.one_confirmed().await?;
        }
        Ok(())
    }

    async fn one_confirmed(&mut self) -> Result<(), Failure> {
        let Some(confirm) = self.confirms.pop_front() else { return Ok(()) };
        confirm.await.map_err(|error| explained(&error, &self.connection.state()))?;
        self.confirmed += 1;
        self.progress.add(1);
        Ok(())
    }

    /// The first thing that went wrong, after all outcomes are known.
    pub(super) async fn all_confirmed(&mut self) -> Result<(), Failure> {
        let mut outcome = Ok(());
        while !self.confirms.is_empty() {
            let one = self.one_confirmed().await;
            outcome = outcome.and(one);
        }
        outcome
    }
}

/// What to do about a message that is not known to be stored.
fn explained(error: &SendError, state: &ConnectionState) -> Failure {
    match (error, blocked::reason(state)) {
        (SendError::Unroutable(returned), _) => Failure::new(format!(
            "no queue takes a message with routing key '{}' on exchange '{}' ({} {})\n  Declare or bind a queue: `leveret bindings \
             declare`; or let such messages be dropped: --no-mandatory",
            returned.routing_key, returned.exchange, returned.code, returned.text
        )),
        (SendError::Refused { code: 404, .. }, _) => Failure::new(format!(
            "{error}\n  `leveret exchanges list` shows the exchanges, `leveret exchanges declare NAME` makes one"
        )),
        (SendError::Deadline, Some(reason)) => {
            blocked::failure(&reason, "a message was not taken within --timeout and is not stored")
        }
        (error, _) => Failure::new(error.to_string()),
    }
}
