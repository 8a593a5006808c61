//! Making a connection, with pauses between attempts, while what has a deadline still meets it.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::time::{Instant, timeout};

use super::handshake::handshake;
use super::link::Link;
use super::task::Task;
use crate::backoff::Backoff;
use crate::connection::ConnectionState;
use crate::error::{ConnectError, Error, Scope};

impl Task {
    /// Connects, with pauses, to one address after the other.
    pub(super) async fn establish(
        &mut self,
        attempts: &mut Backoff,
        since: Instant,
        cause: Option<String>,
    ) -> Result<Link, Error> {
        let mut cause = cause;
        let mut pause = cause.is_some();
        loop {
            if pause {
                let delay = attempts.next_delay(since.elapsed(), &mut rand::rng());
                let text: Arc<str> = cause.as_deref().unwrap_or_default().into();
                let delay = delay.map_err(|gave_up| Error::Lost(format!("{text}; {gave_up}").into()))?;
                if self.first_error.is_none() {
                    let attempt = attempts.attempts();
                    self.set_state(ConnectionState::Recovering { attempt, cause: text });
                }
                self.offline(tokio::time::sleep(delay)).await?;
            }
            pause = true;
            let (options, connector) = (self.options.clone(), self.connector.clone());
            let Some(address) = options.addresses.get(self.address % options.addresses.len().max(1)).cloned()
            else {
                return Err(Error::Lost("no address".into()));
            };
            let attempt = async move {
                let connecting = async {
                    let mut stream = connector.open(&address, &options).await?;
                    let mut input = BytesMut::new();
                    let (tuning, broker) = handshake(&mut stream, &mut input, &options).await?;
                    Ok((Link::new(stream, input, tuning, options.message_bytes_max), broker))
                };
                let after = options.connect_timeout;
                timeout(after, connecting).await.unwrap_or(Err(ConnectError::Timeout(after)))
            };
            match self.offline(attempt).await? {
                Ok((link, broker)) => {
                    *self.shared.server_properties.lock() = broker.into();
                    return Ok(link);
                }
                Err(error) => {
                    tracing::warn!(%error, "attempt to connect failed");
                    let text = error.to_string();
                    let give_up = !error.is_transient() || !self.options.recovery.enabled;
                    if give_up && let Some(first) = self.first_error.take() {
                        let _ = first.send(error);
                        return Err(Error::Lost(text.into()));
                    }
                    if give_up {
                        return Err(Error::Lost(text.into()));
                    }
                    cause = Some(text);
                    self.address += 1;
                }
            }
        }
    }

    /// Waits for something while there is no connection: deadlines still count, and closing works at once.
    pub(super) async fn offline<T>(&mut self, what: impl Future<Output = T>) -> Result<T, Error> {
        let mut what = std::pin::pin!(what);
        loop {
            if self.shared.wants_close() {
                return Err(Error::closed_by_application(Scope::Connection));
            }
            let mut ready = Vec::new();
            self.shared.take_ready(|number| ready.push(number));
            for number in ready {
                if let Some(state) = self.channel(number) {
                    state.hold_publishes();
                    state.settle(Instant::now(), &mut Vec::new());
                }
            }
            let now = Instant::now();
            for state in self.each_channel() {
                state.expire(now);
            }
            let due = self.each_channel().filter_map(|state| state.due()).min();
            let far = now + Duration::from_secs(3600);
            let shared = self.shared.clone();
            let bell = std::future::poll_fn(|cx| {
                shared.bell.sleep(cx);
                if shared.has_ready() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
            });
            tokio::select! {
                done = &mut what => return Ok(done),
                () = bell => {}
                () = tokio::time::sleep_until(due.unwrap_or(far).max(now + Duration::from_millis(1))) => {}
            }
        }
    }
}
