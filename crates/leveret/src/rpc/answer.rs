//! What a handler answers, as a body.

use bytes::Bytes;

use crate::codec::{Codec, Encode, Json, Raw, Text};
use crate::failure::Failure;

/// An answer, encoded.
#[derive(Debug, Clone)]
pub struct Answer {
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
}

/// What a [`Responder`](super::Responder) may answer: a value in a codec, nothing, or a result of one, whose error is told to who asked.
#[diagnostic::on_unimplemented(
    message = "a responder cannot answer `{Self}`",
    label = "no answer can be made of this",
    note = "answer a value in a codec (`Json<T>`, `Text`, `Raw`), `()`, or `Result` of one with any error"
)]
pub trait IntoAnswer: Send {
    /// The answer, or what is told instead.
    ///
    /// # Errors
    /// The handler's, or that the value does not encode.
    fn into_answer(self) -> Result<Answer, Failure>;
}

fn encoded<C: Encode>(value: &C::Value) -> Result<Answer, Failure> {
    let body = C::encode(value).map_err(|error| Failure::permanent(error).reason("unencodable"))?;
    Ok(Answer { content_type: <C as Codec>::CONTENT_TYPE, body })
}

impl IntoAnswer for () {
    fn into_answer(self) -> Result<Answer, Failure> {
        encoded::<Json<()>>(&())
    }
}

impl<T: serde::Serialize + Send> IntoAnswer for Json<T> {
    fn into_answer(self) -> Result<Answer, Failure> {
        encoded::<Self>(&self.0)
    }
}

#[cfg(feature = "cbor")]
impl<T: serde::Serialize + Send> IntoAnswer for crate::codec::Cbor<T> {
    fn into_answer(self) -> Result<Answer, Failure> {
        encoded::<Self>(&self.0)
    }
}

#[cfg(feature = "msgpack")]
impl<T: serde::Serialize + Send> IntoAnswer for crate::codec::MsgPack<T> {
    fn into_answer(self) -> Result<Answer, Failure> {
        encoded::<Self>(&self.0)
    }
}

impl IntoAnswer for Text {
    fn into_answer(self) -> Result<Answer, Failure> {
        Ok(Answer { content_type: Self::CONTENT_TYPE, body: self.0.into() })
    }
}

impl IntoAnswer for Raw {
    fn into_answer(self) -> Result<Answer, Failure> {
        Ok(Answer { content_type: Self::CONTENT_TYPE, body: self.0 })
    }
}

impl<A: IntoAnswer, E: Into<Failure> + Send> IntoAnswer for Result<A, E> {
    fn into_answer(self) -> Result<Answer, Failure> {
        self.map_err(Into::into)?.into_answer()
    }
}
