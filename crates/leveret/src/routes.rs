//! A handler for each type of message in one queue.

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use crate::extract::Given;
use crate::failure::Failure;
use crate::handler::Handler;
use crate::message::Incoming;

type Handling = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

type Check = Box<dyn Fn(&Given<'_>) -> Result<(), String> + Send + Sync>;

struct Route {
    call: Box<dyn Fn(Incoming) -> Handling + Send + Sync>,
    check: Check,
}

impl Route {
    fn new<A: 'static, H: Handler<A>>(handler: H) -> Self {
        let called = handler.clone();
        Self {
            call: Box::new(move |message| Box::pin(called.clone().call(message))),
            check: Box::new(move |given| handler.check(given)),
        }
    }
}

/// Handlers by the `type` of the message. Messages of a type that has none go to the dead letters at once, with the reason
/// `unknown-type`, unless there is one for all [others](Self::otherwise).
///
/// ```
/// # async fn example(mq: leveret::Mq) -> Result<(), Box<dyn std::error::Error>> {
/// use leveret::{Json, Queue, Routes};
/// use tokio_util::sync::CancellationToken;
///
/// # mq.declare(Queue::durable("orders").dead_letter()).await?;
/// async fn created(Json(_order): Json<u32>) {}
/// async fn cancelled(Json(_order): Json<u32>) {}
///
/// let routes = Routes::new().on("order.created", created).on("order.cancelled", cancelled);
/// # let stop = CancellationToken::new();
/// # stop.cancel();
/// mq.worker("orders").run(routes, stop).await?;
/// # Ok(())
/// # }
/// # leveret::test::run_example(example);
/// ```
#[derive(Clone, Default)]
pub struct Routes {
    by_type: HashMap<String, Arc<Route>>,
    otherwise: Option<Arc<Route>>,
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_type.keys()).finish()
    }
}

impl Routes {
    /// Without handlers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A handler for messages of this type; the last for a type counts.
    #[must_use]
    pub fn on<A: 'static, H: Handler<A>>(mut self, kind: impl Into<String>, handler: H) -> Self {
        self.by_type.insert(kind.into(), Arc::new(Route::new(handler)));
        self
    }

    /// A handler for messages of any other type, and of none.
    #[must_use]
    pub fn otherwise<A: 'static, H: Handler<A>>(self, handler: H) -> Self {
        Self { otherwise: Some(Arc::new(Route::new(handler))), ..self }
    }
}

/// Marks [`Routes`] among handlers.
#[derive(Debug, Clone, Copy)]
pub struct ByType;

impl Handler<ByType> for Routes {
    async fn call(self, message: Incoming) -> Result<(), Failure> {
        let kind = message.properties().kind.as_deref();
        match kind.and_then(|kind| self.by_type.get(kind)).or(self.otherwise.as_ref()) {
            Some(route) => (route.call)(message).await,
            None => {
                let text = match kind {
                    Some(kind) => format!("there is no handler for messages of type {kind:?}"),
                    None => "the message has no type, and handlers are chosen by it".to_owned(),
                };
                Err(Failure::permanent(text).reason("unknown-type"))
            }
        }
    }

    fn check(&self, given: &Given<'_>) -> Result<(), String> {
        self.by_type.values().chain(&self.otherwise).try_for_each(|route| (route.check)(given))
    }
}
