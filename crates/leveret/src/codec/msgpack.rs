//! MessagePack.

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use super::{Codec, CodecError, Decode, Encode};

/// A body in MessagePack, structs as maps with names. Says `application/msgpack`; reads `application/x-msgpack` and
/// `application/vnd.msgpack` as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MsgPack<T>(pub T);

impl<T> Codec for MsgPack<T> {
    const CONTENT_TYPE: &'static str = "application/msgpack";

    fn accepts(content_type: &str) -> bool {
        let names = [Self::CONTENT_TYPE, "application/x-msgpack", "application/vnd.msgpack"];
        names.iter().any(|name| super::mime(content_type).eq_ignore_ascii_case(name))
    }
}

impl<T: Serialize> Encode for MsgPack<T> {
    type Value = T;

    fn encode(value: &T) -> Result<Bytes, CodecError> {
        match rmp_serde::to_vec_named(value) {
            Ok(body) => Ok(body.into()),
            Err(error) => Err(CodecError::Encode { wanted: "MessagePack", source: error.into() }),
        }
    }
}

impl<T: DeserializeOwned + Send> Decode for MsgPack<T> {
    fn decode(body: &Bytes) -> Result<Self, CodecError> {
        let wrong = |source| CodecError::Decode { wanted: "MessagePack", source };
        let mut rest = &body[..];
        let value = T::deserialize(&mut rmp_serde::Deserializer::new(&mut rest))
            .map_err(|error| wrong(error.into()))?;
        if rest.is_empty() { Ok(Self(value)) } else { Err(wrong("there is more behind the value".into())) }
    }
}
