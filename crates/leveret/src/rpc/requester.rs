//! Asking.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use leveret_client::Message;
use tokio::time::{Instant, timeout_at};
use tower::ServiceExt as _;
use tracing::{Instrument as _, Span};

use super::asker::Asker;
use super::builder::AskStack;
use super::given_up::Teller;
use super::{CallError, Question, RequesterBuilder};
use crate::codec::{Decode, Encode};
use crate::deadline;
use crate::trace;

/// How long after the deadline what layers hold up is ended: what is further in has ended by then, and they have heard of it.
const LATER: Duration = Duration::from_millis(2);

pub(super) struct Inner {
    pub(super) settings: RequesterBuilder,
    pub(super) asker: Arc<Asker>,
    pub(super) stack: Option<AskStack>,
    pub(super) teller: Teller,
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
    pub(super) inner: Arc<Inner>,
    pub(super) codecs: PhantomData<fn(Q) -> A>,
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
        let Inner { settings, asker, stack, teller } = &*self.inner;
        let until = deadline::after(Instant::now(), deadline);
        let id = format!("{:032x}", rand::random::<u128>());
        let message = self.message(question, &id)?;
        let span = if trace::is_kept(&message.properties, settings.mq.options().trace_share) {
            trace::publish_span(&settings.exchange, &settings.routing_key, &message.properties)
        } else {
            Span::none()
        };
        let asking = teller.asking(id, until);
        let question = Question { message, until, deadline, out: asking.out() };
        let asked = async {
            let Some(stack) = stack else { return asker.ask(question).await };
            let answered = timeout_at(until + LATER, stack.clone().oneshot(question)).await;
            answered.map_err(|_| CallError::Deadline(deadline))?.map_err(CallError::unboxed)
        };
        let answer = asked.instrument(span.clone()).await;
        drop(asking);
        let answer = answer.inspect_err(|error| {
            if let Some(word) = error.word() {
                trace::failed(&span, word);
            }
        })?;
        A::read(answer.properties.content_type.as_deref(), &answer.body).map_err(CallError::Decode)
    }

    fn message(&self, question: &Q::Value, id: &str) -> Result<Message, CallError> {
        let settings = &self.inner.settings;
        let mut message = Message::new(Q::encode(question).map_err(CallError::Encode)?)
            .exchange(settings.exchange.clone())
            .routing_key(settings.routing_key.clone())
            .message_id(id);
        message.properties.content_type = Some(Q::CONTENT_TYPE.to_owned());
        message.properties.kind.clone_from(&settings.kind);
        // It is worth nothing after its deadline, and the asker is gone with this process.
        message.properties.delivery_mode = Some(1);
        message.properties.timestamp = Some(SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs());
        trace::inherit(&mut message.properties);
        Ok(message)
    }
}
