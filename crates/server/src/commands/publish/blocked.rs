//! A broker that takes no messages for now (`connection.blocked`): it is said at once, waited for as long as `--timeout` allows, and the
//! connection is not closed in words that a broker which does not read would answer only when the alarm is over.

use crate::amqp::CLOSE_TIME;
use crate::failure::Failure;
use leveret_client::{Connection, ConnectionState};
use std::convert::Infallible;
use std::io::Write as _;
use std::time::Duration;
use tokio::sync::watch;

/// A block that passes within this time, or does not keep the command from its end, is not worth a word.
const UNTOLD: Duration = Duration::from_millis(200);

/// What is known of it.
pub(super) struct Blocked {
    state: watch::Receiver<ConnectionState>,
    timeout: Duration,
    /// The reason that was said last, until it was said that it is over.
    told: Option<String>,
}

impl Blocked {
    pub(super) fn of(connection: &Connection, timeout: Duration) -> Blocked {
        Blocked { state: connection.watch(), timeout, told: None }
    }

    /// Says on stderr when it begins and when it is over, while something else is waited for.
    pub(super) async fn tell(&mut self) -> Infallible {
        loop {
            let state = self.state.borrow_and_update().clone();
            match (reason(&state), &self.told) {
                (Some(_), None) => {
                    tokio::time::sleep(UNTOLD).await;
                    self.told = reason(&self.state.borrow());
                    if let Some(reason) = &self.told {
                        let time = self.timeout;
                        let _ = writeln!(
                            std::io::stderr(),
                            "{}; waiting up to {time:?} for each message (--timeout)",
                            words(reason)
                        );
                    }
                    continue;
                }
                (None, Some(_)) if matches!(state, ConnectionState::Connected) => {
                    let _ = writeln!(std::io::stderr(), "the broker takes messages again");
                    self.told = None;
                }
                _ => {}
            }
            if self.state.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// Closes the connection, when it is known what became of everything.
    pub(super) async fn close(&mut self, connection: &Connection) {
        // The last message may have come through, and the broker stopped reading behind it.
        let is_blocked = self.state.wait_for(|state| reason(state).is_some());
        tokio::select! {
            _ = connection.close(CLOSE_TIME) => {}
            _ = is_blocked => {
                let _ = connection.close(Duration::ZERO).await;
            }
        }
    }

    /// Closes the connection when nothing is confirmed: the answer is all that says that the broker has read everything.
    pub(super) async fn close_read(&mut self, connection: &Connection) -> Result<(), Failure> {
        let timeout = self.timeout;
        let closed = tokio::select! {
            closed = connection.close(timeout) => closed,
            never = self.tell() => match never {},
        };
        closed.map_err(|error| match &self.told {
            Some(reason) => failure(reason, "it has not said within --timeout that it read what was sent"),
            None => Failure::new(error.to_string()),
        })
    }
}

/// The broker's reason, while it takes no messages.
pub(super) fn reason(state: &ConnectionState) -> Option<String> {
    match state {
        ConnectionState::Blocked { reason } => Some(reason.to_string()),
        _ => None,
    }
}

/// Why a command fails because of it, and what to do.
pub(super) fn failure(reason: &str, what: &str) -> Failure {
    Failure::new(format!(
        "{}; {what}\n  Consumers go on meanwhile, so it may pass by itself. `leveret status` shows the alarm, `leveret top` the queues",
        words(reason)
    ))
}

fn words(reason: &str) -> String {
    format!("the broker blocks publishers: {reason}")
}
