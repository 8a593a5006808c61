//! Handlers: async functions whose arguments are made from a message.

use crate::extract::{FromMessage, Given};
use crate::failure::Failure;
use crate::message::Incoming;

/// What a handler may answer: nothing, or a result whose error becomes a [`Failure`].
#[diagnostic::on_unimplemented(
    message = "a message handler cannot answer `{Self}`",
    label = "this is neither `()` nor `Result<(), E>`",
    note = "`E` may be any error that is `Send + Sync + 'static`, or `leveret::Failure`"
)]
pub trait Outcome: Send {
    /// What became of the message.
    ///
    /// # Errors
    /// The handler's.
    fn into_result(self) -> Result<(), Failure>;
}

impl Outcome for () {
    fn into_result(self) -> Result<(), Failure> {
        Ok(())
    }
}

impl<E: Into<Failure> + Send> Outcome for Result<(), E> {
    fn into_result(self) -> Result<(), Failure> {
        self.map_err(Into::into)
    }
}

/// An async function of up to twelve arguments that all are [`FromMessage`], in any order.
///
/// ```
/// use leveret::{Attempt, Failure, Json, State};
///
/// async fn handle(Json(order): Json<u32>, State(shop): State<&'static str>, Attempt(n): Attempt) -> Result<(), Failure> {
///     println!("{shop}: order {order}, attempt {n}");
///     Ok(())
/// }
/// fn is_handler<A>(_: impl leveret::Handler<A>) {}
/// is_handler(handle);
/// ```
///
/// ```compile_fail
/// struct Order;
/// async fn handle(order: Order) {}
/// fn is_handler<A>(_: impl leveret::Handler<A>) {}
/// is_handler(handle); // `Order` is not FromMessage; Json<Order> would be
/// ```
#[diagnostic::on_unimplemented(
    message = "this is not a message handler",
    label = "not an async function whose arguments are made from a message",
    note = "a handler is an `async fn` (or a closure that gives a future) which is `Clone + Send + Sync + 'static`; each argument is \
            `FromMessage` (`Json<T>`, `State<S>`, `Attempt`, ...), and it answers `()` or `Result<(), E>`",
    note = "values that are not `Send`, kept over an `.await`, make the future unfit as well"
)]
pub trait Handler<Arguments>: Clone + Send + Sync + 'static {
    /// Handles one message.
    fn call(self, message: Incoming) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Looks, before the first message comes, whether all arguments can be made.
    ///
    /// # Errors
    /// What is missing, in words.
    fn check(&self, given: &Given<'_>) -> Result<(), String>;
}

macro_rules! handlers {
    ($($argument:ident)*) => {
        #[allow(non_snake_case, unused_variables)]
        impl<F, Fut, Out, $($argument,)*> Handler<($($argument,)*)> for F
        where
            F: Fn($($argument),*) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future<Output = Out> + Send,
            Out: Outcome,
            $($argument: FromMessage,)*
        {
            async fn call(self, message: Incoming) -> Result<(), Failure> {
                $(let $argument = $argument::from_message(&message)?;)*
                drop(message);
                self($($argument),*).await.into_result()
            }

            fn check(&self, given: &Given<'_>) -> Result<(), String> {
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
handlers!(A B C D E);
handlers!(A B C D E G);
handlers!(A B C D E G H);
handlers!(A B C D E G H I);
handlers!(A B C D E G H I J);
handlers!(A B C D E G H I J K);
handlers!(A B C D E G H I J K L);
handlers!(A B C D E G H I J K L M);
