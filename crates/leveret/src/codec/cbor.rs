//! CBOR (RFC 8949).

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use super::{Codec, CodecError, Decode, Encode};

/// A body in CBOR.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cbor<T>(pub T);

impl<T> Codec for Cbor<T> {
    const CONTENT_TYPE: &'static str = "application/cbor";
}

impl<T: Serialize> Encode for Cbor<T> {
    type Value = T;

    fn encode(value: &T) -> Result<Bytes, CodecError> {
        let mut body = Vec::new();
        match ciborium::into_writer(value, &mut body) {
            Ok(()) => Ok(body.into()),
            Err(error) => Err(CodecError::Encode { wanted: "CBOR", source: error.into() }),
        }
    }
}

impl<T: DeserializeOwned + Send> Decode for Cbor<T> {
    fn decode(body: &Bytes) -> Result<Self, CodecError> {
        let mut rest = &body[..];
        let wrong = |source| CodecError::Decode { wanted: "CBOR", source };
        let value =
            ciborium::from_reader(&mut rest).map_err(|error: ciborium::de::Error<_>| wrong(error.into()))?;
        if rest.is_empty() { Ok(Self(value)) } else { Err(wrong("there is more behind the value".into())) }
    }
}
