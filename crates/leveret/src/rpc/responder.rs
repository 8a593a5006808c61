//! Answering.

use std::time::Duration;

use leveret_client::{FieldTable, Message, Properties};

use super::{Answer, IntoAnswer};
use crate::extract::{FromMessage, Given};
use crate::failure::{Class, Failure};
use crate::handler::Handler;
use crate::message::Incoming;
use crate::retry::headers;

/// Bytes of an error's text that an answer carries.
const ERROR_BYTES_MAX: usize = 2048;

/// A handler whose value is the answer: as [`Handler`], but it gives an [`IntoAnswer`].
///
/// ```
/// # async fn example(mq: leveret::Mq) -> Result<(), Box<dyn std::error::Error>> {
/// use leveret::{Failure, Json, Queue};
///
/// async fn price(Json(cups): Json<u32>) -> Result<Json<u32>, Failure> {
///     cups.checked_mul(250).map(Json).ok_or_else(|| Failure::permanent("nobody can pay that"))
/// }
///
/// mq.declare(Queue::durable("prices").discard_failed()).await?;
/// let worker = mq.worker("prices").responder(price);
/// # let _ = worker;
/// # Ok(()) }
/// # leveret::test::run_example(example);
/// ```
#[diagnostic::on_unimplemented(
    message = "this cannot answer requests",
    label = "not an async function from a message's arguments to an answer",
    note = "a responder is an `async fn` (or a closure that gives a future) which is `Clone + Send + Sync + 'static`; each argument is \
            `FromMessage`, and it answers `Json<T>` (or another codec), `()`, or `Result` of one"
)]
pub trait Responder<Arguments>: Clone + Send + Sync + 'static {
    /// Answers one request.
    fn call(self, message: Incoming) -> impl Future<Output = Result<Answer, Failure>> + Send;

    /// Looks, before the first request comes, whether all arguments can be made.
    ///
    /// # Errors
    /// What is missing, in words.
    fn check(&self, given: &Given<'_>) -> Result<(), String>;
}

macro_rules! responders {
    ($($argument:ident)*) => {
        #[allow(non_snake_case, unused_variables)]
        impl<F, Fut, Out, $($argument,)*> Responder<($($argument,)*)> for F
        where
            F: Fn($($argument),*) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future<Output = Out> + Send,
            Out: IntoAnswer,
            $($argument: FromMessage,)*
        {
            async fn call(self, message: Incoming) -> Result<Answer, Failure> {
                $(let $argument = $argument::from_message(&message)?;)*
                drop(message);
                self($($argument),*).await.into_answer()
            }

            fn check(&self, given: &Given<'_>) -> Result<(), String> {
                $($argument::check(given)?;)*
                Ok(())
            }
        }
    };
}

responders!();
responders!(A);
responders!(A B);
responders!(A B C);
responders!(A B C D);
responders!(A B C D E);
responders!(A B C D E G);
responders!(A B C D E G H);
responders!(A B C D E G H I);

/// A responder as a handler: its answer is left in the message, for when that is settled.
#[derive(Clone)]
pub(crate) struct Responding<H>(pub(crate) H);

/// Marks responders among handlers.
pub(crate) struct Answering<A>(std::marker::PhantomData<fn(A)>);

impl<A: 'static, H: Responder<A>> Handler<Answering<A>> for Responding<H> {
    async fn call(self, message: Incoming) -> Result<(), Failure> {
        let answer = self.0.call(message.clone()).await?;
        message.answer(answer);
        Ok(())
    }

    fn check(&self, given: &Given<'_>) -> Result<(), String> {
        self.0.check(given)
    }
}

/// The message that tells who asked; `None`: nobody wants to know.
pub(crate) fn reply(message: &Incoming, failure: Option<&Failure>) -> Option<Message> {
    let asked = message.properties();
    let mut properties = Properties {
        correlation_id: asked.correlation_id.clone(),
        // Kept for as long as somebody waits for it, and no longer.
        delivery_mode: Some(1),
        ..Properties::default()
    };
    let silent = || Failure::permanent("the request was settled without an answer").reason("no-answer");
    let body = match (failure, message.answered()) {
        (None, Some(answer)) => {
            properties.content_type = Some(answer.content_type.to_owned());
            answer.body.clone()
        }
        (failure, _) => {
            let silent = silent();
            let failure = failure.unwrap_or(&silent);
            let class = if failure.class() == Some(Class::Permanent) { "permanent" } else { "transient" };
            let mut told = FieldTable::new();
            told.insert(headers::ERROR, failure.chain(ERROR_BYTES_MAX));
            told.insert(headers::REASON, failure.reason_word());
            told.insert(headers::CLASS, class);
            properties.headers = Some(told);
            let details = failure.details_body().cloned();
            properties.content_type = details.is_some().then(|| "application/json".to_owned());
            details.unwrap_or_default()
        }
    };
    let to = asked.reply_to.clone()?;
    Some(Message::new(body).properties(properties).exchange("").routing_key(to))
}

impl Incoming {
    /// How long whoever asked waits at most, from when the message was sent.
    pub(crate) fn time_allowed(&self) -> Option<Duration> {
        let properties = self.properties();
        properties.reply_to.as_ref()?;
        let own = properties.expiration.as_deref();
        let text = own.or_else(|| headers::text(properties, headers::EXPIRATION))?;
        text.parse().ok().map(Duration::from_millis)
    }

    /// Whether who asked has gone by now, for what has waited for another attempt. A second is allowed for clocks that differ; what waits in
    /// its queue for the first time expires there, by the broker's clock.
    pub(crate) fn is_too_late(&self, now_s: u64) -> bool {
        let sent = self.properties().timestamp.filter(|_| self.attempt() > 1);
        sent.zip(self.time_allowed()).is_some_and(|(sent, allowed)| now_s > sent + allowed.as_secs() + 1)
    }
}
