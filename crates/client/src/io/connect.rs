//! Making a connection, with pauses between attempts, while what has a deadline still meets it.

use std::time::Duration;

use tokio::time::Instant;

use super::dial::{Failed, dial};
use super::link::Link;
use super::task::Task;
use crate::backoff::Backoff;
use crate::connection::ConnectionState;
use crate::error::{Error, Scope};

impl Task {
    /// Connects, with pauses, to one address after the other. Where nothing is tried again, each is tried once, without pauses.
    pub(super) async fn establish(
        &mut self,
        attempts: &mut Backoff,
        since: Instant,
        cause: Option<String>,
    ) -> Result<Link, Error> {
        let mut cause = cause;
        let mut tried = 0;
        // Those that are made again have nobody who asks.
        let tries = self.first.as_ref().map(|first| first.tries.clone()).unwrap_or_default();
        loop {
            if let Some(cause) = cause.as_deref().filter(|_| self.options.recovery.enabled) {
                let delay = attempts.next_delay(since.elapsed(), &mut rand::rng());
                let delay = delay.map_err(|gave_up| Error::Lost(format!("{cause}; {gave_up}").into()))?;
                if self.first.is_none() {
                    let attempt = attempts.attempts();
                    self.set_state(ConnectionState::Recovering { attempt, cause: cause.into() });
                }
                self.offline(tokio::time::sleep(delay)).await?;
            }
            let (options, connector) = (self.options.clone(), self.connector.clone());
            let count = options.addresses.len();
            let Some(address) = options.addresses.get(self.address % count.max(1)).cloned() else {
                return Err(Error::Lost("no address".into()));
            };
            match self.offline(dial(connector, address, options, tries.clone())).await? {
                Ok((link, broker)) => {
                    tries.lock().clear();
                    *self.shared.server_properties.lock() = broker.into();
                    return Ok(link);
                }
                Err(Failed { text, is_transient }) => {
                    tried += 1;
                    self.address += 1;
                    if let Some(first) = self.first.as_ref().filter(|_| tried == count) {
                        first.round_over.notify_one();
                    }
                    if !is_transient || !self.options.recovery.enabled && tried >= count {
                        return Err(Error::Lost(text.into()));
                    }
                    cause = Some(text);
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
