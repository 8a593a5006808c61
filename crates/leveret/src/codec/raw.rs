//! Bodies as they are.

use bytes::Bytes;

use super::{Codec, CodecError, Decode, Encode};

/// The body as it came, whatever its content type.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Raw(pub Bytes);

impl Codec for Raw {
    const CONTENT_TYPE: &'static str = "application/octet-stream";

    fn accepts(_: &str) -> bool {
        true
    }
}

impl Encode for Raw {
    type Value = [u8];

    fn encode(value: &[u8]) -> Result<Bytes, CodecError> {
        Ok(Bytes::copy_from_slice(value))
    }
}

impl Decode for Raw {
    fn decode(body: &Bytes) -> Result<Self, CodecError> {
        Ok(Self(body.clone()))
    }
}

/// A body of text in UTF-8, of any content type that is `text/...`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text(pub String);

impl Codec for Text {
    const CONTENT_TYPE: &'static str = "text/plain";

    fn accepts(content_type: &str) -> bool {
        content_type.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("text/"))
    }
}

impl Encode for Text {
    type Value = str;

    fn encode(value: &str) -> Result<Bytes, CodecError> {
        Ok(Bytes::copy_from_slice(value.as_bytes()))
    }
}

impl Decode for Text {
    fn decode(body: &Bytes) -> Result<Self, CodecError> {
        match std::str::from_utf8(body) {
            Ok(text) => Ok(Self(text.to_owned())),
            Err(error) => Err(CodecError::Decode { wanted: "text", source: error.into() }),
        }
    }
}
