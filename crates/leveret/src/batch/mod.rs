//! Handlers of many messages at a time: what is written in one transaction, or sent in one call.
//!
//! A batch is handed over when it is full or its first message has waited long enough, and its messages are settled each by itself. What
//! cannot be made into an argument is a dead letter alone, and the others are handled.

mod outcome;

pub use outcome::BatchOutcome;

use crate::extract::{FromMessage, Given};
use crate::failure::Failure;
use crate::message::Incoming;

/// An async function from a `Vec` of what is made of each message, and up to four more arguments, which are made of the first; for
/// [`WorkerBuilder::batch`](crate::WorkerBuilder::batch).
///
/// What the `Vec` is of is [`FromMessage`], or a tuple of such: `Vec<Json<Order>>`, `Vec<(Json<Order>, MessageId)>`. The answer is `()`, a
/// `Result` for all, or a `Vec` with a result for each, in their order.
///
/// ```
/// use leveret::{Failure, Json, State};
///
/// async fn store(orders: Vec<Json<u32>>, State(shop): State<&'static str>) -> Vec<Result<(), Failure>> {
///     println!("{shop}: {} orders", orders.len());
///     orders.iter().map(|Json(order)| if *order == 0 { Err(Failure::permanent("no order")) } else { Ok(()) }).collect()
/// }
/// fn is_handler<A>(_: impl leveret::batch::BatchHandler<A>) {}
/// is_handler(store);
/// ```
#[diagnostic::on_unimplemented(
    message = "this is not a handler of batches",
    label = "not an async function of a `Vec` and up to four more arguments",
    note = "the first argument is `Vec<T>` with a `T: FromMessage` (`Json<Order>`, `(Json<Order>, MessageId)`), the others are `FromMessage` \
            (`State<S>`, `Cancelled`, ...); it answers `()`, `Result<(), E>`, or `Vec<Result<(), E>>` with one for each"
)]
pub trait BatchHandler<Arguments>: Clone + Send + Sync + 'static {
    /// Handles them, and gives what became of each, in their order.
    fn call(self, messages: Vec<Incoming>) -> impl Future<Output = Vec<Result<(), Failure>>> + Send;

    /// Looks, before the first message comes, whether all arguments can be made.
    ///
    /// # Errors
    /// What is missing, in words.
    fn check(&self, given: &Given<'_>) -> Result<(), String>;
}

macro_rules! handlers {
    ($($argument:ident)*) => {
        #[allow(non_snake_case, unused_variables)]
        impl<F, Fut, Out, T, $($argument,)*> BatchHandler<(T, $($argument,)*)> for F
        where
            F: Fn(Vec<T>, $($argument),*) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future<Output = Out> + Send,
            Out: BatchOutcome,
            T: FromMessage,
            $($argument: FromMessage,)*
        {
            async fn call(self, messages: Vec<Incoming>) -> Vec<Result<(), Failure>> {
                let Some(first) = messages.first().cloned() else { return Vec::new() };
                $(let $argument = match $argument::from_message(&first) {
                    Ok(argument) => argument,
                    Err(failure) => return Err::<(), _>(failure).for_each(messages.len()),
                };)*
                let mut values = Vec::with_capacity(messages.len());
                let mut results: Vec<Result<(), Failure>> = Vec::with_capacity(messages.len());
                for message in &messages {
                    results.push(T::from_message(message).map(|value| values.push(value)));
                }
                drop((first, messages));
                let count = values.len();
                if count > 0 {
                    let mut handled = self(values, $($argument),*).await.for_each(count).into_iter();
                    for result in results.iter_mut().filter(|result| result.is_ok()) {
                        if let Some(handled) = handled.next() {
                            *result = handled;
                        }
                    }
                }
                results
            }

            fn check(&self, given: &Given<'_>) -> Result<(), String> {
                T::check(given)?;
                $($argument::check(given)?;)*
                Ok(())
            }
        }
    };
}

handlers!();
handlers!(A);
handlers!(A B);
handlers!(A B C);
handlers!(A B C D);
