//! Asking.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use leveret_client::{Connection, ConnectionState, Error, Message, RpcClient, RpcError};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument as _;

use super::given_up::{Teller, key};
use super::{CallError, Refused};
use crate::codec::{Decode, Encode};
use crate::mq::Mq;
use crate::trace;

/// Settings of a [`Requester`]; from [`Mq::requester`] and [`Mq::requester_to`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until build"]
pub struct RequesterBuilder {
    mq: Mq,
    exchange: String,
    routing_key: String,
    deadline: Duration,
    outstanding_max: usize,
    repeats: bool,
    kind: Option<String>,
}

impl RequesterBuilder {
    pub(crate) fn new(mq: Mq, exchange: String, routing_key: String) -> Self {
        let (deadline, outstanding_max) = (Duration::from_secs(30), 1024);
        Self { mq, exchange, routing_key, deadline, outstanding_max, repeats: false, kind: None }
    }

    /// From `call` to the answer, at most. A request that nobody has begun by then expires in the queue. Default: 30 s.
    pub fn deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// Questions that may be out at the same time; others wait for their turn. Default: 1024.
    pub fn outstanding_max(self, outstanding_max: usize) -> Self {
        Self { outstanding_max: outstanding_max.clamp(1, Semaphore::MAX_PERMITS), ..self }
    }

    /// Questions that were out when the connection was lost are asked again when it is back, within their deadline, with the same message
    /// id: for requests that do no harm twice. Default: they fail with [`CallError::Lost`].
    pub fn repeat_when_lost(self) -> Self {
        Self { repeats: true, ..self }
    }

    /// Sets the requests' `type`. Default: none.
    pub fn message_type(self, kind: impl Into<String>) -> Self {
        Self { kind: Some(kind.into()), ..self }
    }

    /// Opens it, for questions and answers in these codecs: `build::<Json<Order>, Json<Price>>()`.
    ///
    /// # Errors
    /// No channel can be opened.
    pub async fn build<Q: Encode, A: Decode>(self) -> Result<Requester<Q, A>, Error> {
        let rpc = RpcClient::new(self.mq.publishing()).await?;
        let places = Semaphore::new(self.outstanding_max);
        let teller = Teller::new(self.mq.publishing().clone(), key(&self.exchange, &self.routing_key));
        Ok(Requester { inner: Arc::new(Inner { settings: self, rpc, places, teller }), codecs: PhantomData })
    }
}

struct Inner {
    settings: RequesterBuilder,
    rpc: RpcClient,
    places: Semaphore,
    teller: Teller,
}

/// Asks questions, any number at a time, and gets each its answer; clones share one channel and its bound.
///
/// ```
/// # async fn example(mq: leveret::Mq) -> Result<(), Box<dyn std::error::Error>> {
/// use leveret::rpc::CallError;
/// use leveret::{Failure, Json, Queue};
/// use std::time::Duration;
/// use tokio_util::sync::CancellationToken;
///
/// mq.declare(Queue::durable("stock").discard_failed()).await?;
///
/// async fn stock(Json(article): Json<u32>) -> Result<Json<u32>, Failure> {
///     if article == 0 {
///         return Err(Failure::permanent("there is no article 0").reason("no-such-article"));
///     }
///     Ok(Json(article * 10))
/// }
/// let stop = CancellationToken::new();
/// let worker = tokio::spawn(mq.worker("stock").responder(stock).run(stop.clone()));
///
/// let stock = mq.requester("stock").deadline(Duration::from_secs(5)).build::<Json<u32>, Json<u32>>().await?;
/// assert_eq!(stock.call(&7).await?, Json(70));
/// match stock.call(&0).await {
///     Err(CallError::Refused(why)) => assert_eq!(why.reason, "no-such-article"),
///     other => panic!("{other:?}"),
/// }
/// # stop.cancel();
/// # worker.await??;
/// # Ok(())
/// # }
/// # leveret::test::run_example(example);
/// ```
pub struct Requester<Q, A> {
    inner: Arc<Inner>,
    codecs: PhantomData<fn(Q) -> A>,
}

impl<Q, A> Clone for Requester<Q, A> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), codecs: PhantomData }
    }
}

impl<Q, A> fmt::Debug for Requester<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Requester").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

impl<Q: Encode, A: Decode> Requester<Q, A> {
    /// Asks, and waits for the answer. Dropping the future gives up, and whoever answers is [told](super) so: what it has begun is asked to
    /// stop ([`Cancelled`](crate::Cancelled)), what it has not is not begun. An answer that comes all the same is thrown away.
    ///
    /// # Errors
    /// [`CallError`] says what is known of it.
    pub async fn call(&self, question: &Q::Value) -> Result<A, CallError> {
        self.call_within(question, self.inner.settings.deadline).await
    }

    /// The same with a deadline of its own, from now.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn call_within(&self, question: &Q::Value, deadline: Duration) -> Result<A, CallError> {
        let Inner { settings, places, teller, .. } = &*self.inner;
        let until = Instant::now() + deadline;
        let id = format!("{:032x}", rand::random::<u128>());
        let mut message = Message::new(Q::encode(question).map_err(CallError::Encode)?)
            .exchange(settings.exchange.clone())
            .routing_key(settings.routing_key.clone())
            .message_id(id.clone());
        message.properties.content_type = Some(Q::CONTENT_TYPE.to_owned());
        message.properties.kind.clone_from(&settings.kind);
        // It is worth nothing after its deadline, and the asker is gone with this process.
        message.properties.delivery_mode = Some(1);
        message.properties.timestamp = Some(SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs());
        trace::inherit(&mut message.properties);
        let busy = || CallError::Busy(settings.outstanding_max);
        let place = timeout_at(until, places.acquire()).await.map_err(|_| busy())?;
        let _place = place.map_err(|_| busy())?;
        let span = trace::publish_span(&settings.exchange, &settings.routing_key, &message.properties);
        let asking = teller.asking(id, until);
        let answer = self.ask(message, until, deadline).instrument(span.clone()).await;
        // What may be carried out still is given up here, as it is when this future is dropped.
        if !matches!(answer, Err(CallError::Deadline(_) | CallError::Lost(_))) {
            asking.ended();
        }
        let answer = answer.inspect_err(|error| trace::failed(&span, word(error)))?;
        if let Some(refused) = Refused::read(&answer) {
            return Err(CallError::Refused(refused));
        }
        let content_type = answer.raw_properties().content_type();
        let content_type = content_type.and_then(|text| text.to_str().ok()).map(str::to_owned);
        A::read(content_type.as_deref(), answer.body()).map_err(CallError::Decode)
    }

    async fn ask(
        &self,
        mut message: Message,
        until: Instant,
        deadline: Duration,
    ) -> Result<leveret_client::Delivery, CallError> {
        let Inner { settings, rpc, .. } = &*self.inner;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(CallError::Deadline(deadline));
            }
            message.properties.expiration = Some(left.as_millis().max(1).to_string());
            match rpc.call(message.clone(), left).await {
                Ok(answer) => return Ok(answer),
                Err(RpcError::Unroutable(returned)) => {
                    return Err(CallError::Unroutable(RpcError::Unroutable(returned).to_string()));
                }
                Err(RpcError::Closed(error)) if settings.repeats && error.is_transient() => {
                    let back = connected(settings.mq.publishing());
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

/// The kind of an error in one word, for telemetry.
fn word(error: &CallError) -> &'static str {
    match error {
        CallError::Deadline(_) => "deadline",
        CallError::Lost(_) => "lost",
        CallError::Unroutable(_) => "unroutable",
        _ => "_OTHER",
    }
}
