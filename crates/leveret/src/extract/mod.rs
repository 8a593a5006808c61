//! Arguments of handlers: whatever can be made from a message.

mod parts;

use std::any::{Any, TypeId, type_name};

pub use parts::{
    Attempt, Cancelled, Deadline, Headers, MessageId, Queue as QueueName, Redelivered, RoutingKey, State,
};

use serde::de::DeserializeOwned;

use crate::codec::{CodecError, Decode, Json, Raw, Text};
use crate::failure::Failure;
use crate::message::Incoming;

/// What can be an argument of a handler.
///
/// Synchronous on purpose: everything is in the message or in what the worker was given. What has to be fetched is fetched in the handler.
///
/// ```
/// use leveret::{Failure, FromMessage, Incoming};
///
/// struct Tenant(String);
///
/// impl FromMessage for Tenant {
///     fn from_message(message: &Incoming) -> Result<Self, Failure> {
///         match message.properties().app_id.clone() {
///             Some(app) => Ok(Self(app)),
///             None => Err(Failure::permanent("the message names no application").reason("no-tenant")),
///         }
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a message handler",
    label = "nothing makes this from a message",
    note = "take `Json<{Self}>` for a value in the body, `State<{Self}>` for what the worker was given, or implement `FromMessage`",
    note = "the others are Raw, Text, Headers, Properties, MessageId, Attempt, Redelivered, RoutingKey, Deadline, Cancelled, Incoming, and \
            Option<..> of any"
)]
pub trait FromMessage: Sized + Send {
    /// Makes it.
    ///
    /// # Errors
    /// What becomes of the message then; usually [permanent](Failure::permanent), since the same message gives the same again.
    fn from_message(message: &Incoming) -> Result<Self, Failure>;

    /// Looks, before the first message comes, whether it can be made at all.
    ///
    /// # Errors
    /// What is missing, in words.
    fn check(states: &Given<'_>) -> Result<(), String> {
        let _ = states;
        Ok(())
    }
}

/// What a worker was given to share.
pub struct Given<'a>(pub(crate) &'a dyn Fn(TypeId) -> bool);

impl std::fmt::Debug for Given<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Given(..)")
    }
}

impl Given<'_> {
    /// Whether it was given something of this type.
    ///
    /// # Errors
    /// It was not, in words.
    pub fn has<S: Any>(&self) -> Result<(), String> {
        if (self.0)(TypeId::of::<S>()) {
            return Ok(());
        }
        let name = type_name::<S>();
        Err(format!(
            "the handler takes State<{name}>, and the worker was given none; call .state(..) with one"
        ))
    }
}

fn decoded<C: Decode>(message: &Incoming) -> Result<C, Failure> {
    C::read(message.properties().content_type.as_deref(), message.body()).map_err(|error| {
        let reason =
            if matches!(error, CodecError::ContentType { .. }) { "content-type" } else { "undecodable" };
        Failure::permanent(error).reason(reason)
    })
}

impl<T: DeserializeOwned + Send> FromMessage for Json<T> {
    fn from_message(message: &Incoming) -> Result<Self, Failure> {
        decoded(message)
    }
}

#[cfg(feature = "cbor")]
impl<T: DeserializeOwned + Send> FromMessage for crate::codec::Cbor<T> {
    fn from_message(message: &Incoming) -> Result<Self, Failure> {
        decoded(message)
    }
}

#[cfg(feature = "msgpack")]
impl<T: DeserializeOwned + Send> FromMessage for crate::codec::MsgPack<T> {
    fn from_message(message: &Incoming) -> Result<Self, Failure> {
        decoded(message)
    }
}

impl FromMessage for Raw {
    fn from_message(message: &Incoming) -> Result<Self, Failure> {
        Ok(Self(message.body().clone()))
    }
}

impl FromMessage for Text {
    fn from_message(message: &Incoming) -> Result<Self, Failure> {
        decoded(message)
    }
}

macro_rules! tuples {
    ($($part:ident)*) => {
        impl<$($part: FromMessage),*> FromMessage for ($($part,)*) {
            fn from_message(message: &Incoming) -> Result<Self, Failure> {
                Ok(($($part::from_message(message)?,)*))
            }

            fn check(given: &Given<'_>) -> Result<(), String> {
                $($part::check(given)?;)*
                Ok(())
            }
        }
    };
}

tuples!(A B);
tuples!(A B C);
tuples!(A B C D);

/// `None` where it cannot be made.
impl<T: FromMessage> FromMessage for Option<T> {
    fn from_message(message: &Incoming) -> Result<Self, Failure> {
        Ok(T::from_message(message).ok())
    }
}
