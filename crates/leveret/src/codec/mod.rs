//! Bodies to values and back. The content type says which; a body of another kind is not guessed at.

#[cfg(feature = "cbor")]
mod cbor;
mod json;
#[cfg(feature = "msgpack")]
mod msgpack;
mod raw;

use bytes::Bytes;

use crate::failure::BoxError;

#[cfg(feature = "cbor")]
pub use cbor::Cbor;
pub use json::Json;
#[cfg(feature = "msgpack")]
pub use msgpack::MsgPack;
pub use raw::{Raw, Text};

/// A body that is not what it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The message says that it is something else.
    #[error("the content type is {found:?}, not {wanted}")]
    ContentType {
        /// What the handler takes.
        wanted: &'static str,
        /// What the message says.
        found: String,
    },
    /// It does not decode.
    #[error("the body is no such {wanted}: {source}")]
    Decode {
        /// What the handler takes.
        wanted: &'static str,
        /// Where it is wrong.
        source: BoxError,
    },
    /// The value does not encode.
    #[error("the value is no {wanted}: {source}")]
    Encode {
        /// What was to be made of it.
        wanted: &'static str,
        /// Why not.
        source: BoxError,
    },
}

/// A kind of body: a wrapper around the value, as [`Json`] is. Both sides use it: [`Publisher`](crate::Publisher) by the type it is built
/// with, which is [`Encode`], handlers by the type of their argument, which is [`Decode`].
///
/// ```
/// use bytes::Bytes;
/// use leveret::{Codec, CodecError, Decode, Encode};
///
/// /// Numbers between commas.
/// struct Csv(Vec<u32>);
///
/// impl Codec for Csv {
///     const CONTENT_TYPE: &'static str = "text/csv";
/// }
///
/// impl Encode for Csv {
///     type Value = [u32];
///     fn encode(values: &[u32]) -> Result<Bytes, CodecError> {
///         Ok(values.iter().map(u32::to_string).collect::<Vec<_>>().join(",").into())
///     }
/// }
///
/// impl Decode for Csv {
///     fn decode(body: &Bytes) -> Result<Self, CodecError> {
///         let wrong = |error: leveret::BoxError| CodecError::Decode { wanted: "numbers", source: error };
///         let text = std::str::from_utf8(body).map_err(|error| wrong(error.into()))?;
///         let values = text.split(',').map(str::parse).collect::<Result<_, _>>();
///         values.map(Self).map_err(|error: std::num::ParseIntError| wrong(error.into()))
///     }
/// }
///
/// let body = Csv::encode(&[1, 2])?;
/// assert_eq!(Csv::read(Some("text/csv"), &body)?.0, [1, 2]);
/// assert!(Csv::read(Some("application/json"), &body).is_err());
/// # Ok::<(), CodecError>(())
/// ```
pub trait Codec {
    /// The content type that publishers set.
    const CONTENT_TYPE: &'static str;

    /// Whether a message of this content type can be read. Without a content type it is tried.
    #[must_use]
    fn accepts(content_type: &str) -> bool {
        mime(content_type).eq_ignore_ascii_case(Self::CONTENT_TYPE)
    }
}

/// What makes bodies of values.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent",
    label = "no body can be made of this",
    note = "a publisher is built with a codec: `build::<Json<T>>()` for a `T: serde::Serialize`, `Text` or `Raw`"
)]
pub trait Encode: Codec {
    /// The value inside.
    type Value: ?Sized;

    /// The value as a body.
    ///
    /// # Errors
    /// [`CodecError::Encode`].
    fn encode(value: &Self::Value) -> Result<Bytes, CodecError>;
}

/// What makes values of bodies.
pub trait Decode: Codec + Sized + Send {
    /// A body as a value.
    ///
    /// # Errors
    /// [`CodecError::Decode`].
    fn decode(body: &Bytes) -> Result<Self, CodecError>;

    /// A body with its content type.
    ///
    /// # Errors
    /// [`CodecError::ContentType`], [`CodecError::Decode`].
    fn read(content_type: Option<&str>, body: &Bytes) -> Result<Self, CodecError> {
        match content_type {
            Some(found) if !Self::accepts(found) => {
                Err(CodecError::ContentType { wanted: Self::CONTENT_TYPE, found: found.to_owned() })
            }
            _ => Self::decode(body),
        }
    }
}

/// A content type without its parameters.
fn mime(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_are_looked_at_before_bodies() {
        let body = Bytes::from_static(b"[1, 2]");
        let read = |content_type| Json::<Vec<u8>>::read(content_type, &body).map(|json| json.0);
        for fits in [
            None,
            Some("application/json"),
            Some("Application/JSON; charset=utf-8"),
            Some("application/hal+json"),
        ] {
            assert_eq!(read(fits).unwrap(), [1, 2], "{fits:?}");
        }
        let other = read(Some("application/xml")).unwrap_err().to_string();
        assert_eq!(other, "the content type is \"application/xml\", not application/json");
    }

    #[test]
    fn errors_say_where() {
        let wrong = Json::<Vec<u8>>::read(None, &Bytes::from_static(b"[1, \"two\"]"))
            .map(|_| ())
            .unwrap_err()
            .to_string();
        assert!(wrong.contains("[1]: invalid type: string \"two\", expected u8"), "{wrong}");
        let more = Json::<u8>::read(None, &Bytes::from_static(b"1 2")).map(|_| ()).unwrap_err().to_string();
        assert!(more.contains("trailing characters"), "{more}");
    }

    #[test]
    fn all_codecs_give_back_what_they_were_given() {
        fn round<C: Encode<Value = (String, u64)> + Decode>() -> C {
            C::read(Some(C::CONTENT_TYPE), &C::encode(&("coffee".into(), 2)).unwrap()).unwrap()
        }
        assert_eq!(round::<Json<(String, u64)>>().0, ("coffee".into(), 2));
        #[cfg(feature = "cbor")]
        assert_eq!(round::<Cbor<(String, u64)>>().0, ("coffee".into(), 2));
        #[cfg(feature = "msgpack")]
        assert_eq!(round::<MsgPack<(String, u64)>>().0, ("coffee".into(), 2));
    }

    #[cfg(all(feature = "cbor", feature = "msgpack"))]
    #[test]
    fn what_comes_after_the_value_is_an_error() {
        let mut body = Cbor::<u8>::encode(&1).unwrap().to_vec();
        body.push(1);
        assert!(Cbor::<u8>::decode(&body.into()).is_err());
        let mut body = MsgPack::<u8>::encode(&1).unwrap().to_vec();
        body.push(1);
        assert!(MsgPack::<u8>::decode(&body.into()).is_err());
    }
}
