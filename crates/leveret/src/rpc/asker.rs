//! Asking, inside of all layers: a place, the request, its answer.

use std::time::Duration;

use leveret_client::{Connection, ConnectionState, Message, RpcClient, RpcError};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::given_up::expiration;
use super::{CallError, Question, Refused, Reply, RequesterBuilder};

/// What a requester and its clones share.
pub(super) struct Asker {
    rpc: RpcClient,
    connection: Connection,
    places: Semaphore,
    outstanding_max: usize,
    repeats: bool,
}

impl Asker {
    pub(super) fn new(rpc: RpcClient, settings: &RequesterBuilder) -> Self {
        let RequesterBuilder { outstanding_max, repeats, .. } = *settings;
        let connection = settings.mq.publishing().clone();
        Self { rpc, connection, places: Semaphore::new(outstanding_max), outstanding_max, repeats }
    }

    pub(super) async fn ask(&self, question: Question) -> Result<Reply, CallError> {
        let Question { message, until, deadline, out } = question;
        let busy = || CallError::Busy(self.outstanding_max);
        let place = timeout_at(until, self.places.acquire()).await.map_err(|_| busy())?;
        let _place = place.map_err(|_| busy())?;
        out.begin();
        let answer = self.exchange(message, until, deadline).await;
        // What may be carried out still is given up, as it is when this future is dropped.
        if !matches!(answer, Err(CallError::Deadline(_) | CallError::Lost(_))) {
            out.ended();
        }
        let answer = answer?;
        Refused::read(&answer).map_or(Ok(answer), |refused| Err(CallError::Refused(refused)))
    }

    async fn exchange(
        &self,
        mut message: Message,
        until: Instant,
        deadline: Duration,
    ) -> Result<Reply, CallError> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(CallError::Deadline(deadline));
            }
            message.properties.expiration = Some(expiration(left));
            match self.rpc.call(message.clone(), left).await {
                Ok(answer) => {
                    let properties = answer.properties().unwrap_or_default();
                    return Ok(Reply { properties, body: answer.body().clone() });
                }
                Err(RpcError::Unroutable(returned)) => {
                    return Err(CallError::Unroutable(RpcError::Unroutable(returned).to_string()));
                }
                Err(RpcError::Closed(error)) if self.repeats && error.is_transient() => {
                    let back = connected(&self.connection);
                    timeout_at(until, back).await.map_err(|_| CallError::Lost(error))?;
                    // One that is lost as soon as it is there is not asked in a busy loop.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                Err(RpcError::Closed(error)) => return Err(CallError::Lost(error)),
                Err(_) => return Err(CallError::Deadline(deadline)),
            }
        }
    }
}

/// Waits until a connection is there, or is closed for good, which the next attempt tells.
pub(super) async fn connected(connection: &Connection) {
    let mut states = connection.watch();
    let there = |state: &ConnectionState| {
        matches!(
            state,
            ConnectionState::Connected | ConnectionState::Blocked { .. } | ConnectionState::Closed { .. }
        )
    };
    let _ = states.wait_for(there).await;
}
