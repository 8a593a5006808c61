//! Bodies as they are.

use bytes::Bytes;

use super::{Codec, CodecError};

/// The body as it came, whatever its content type.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Raw(pub Bytes);

impl Codec for Raw {
    type Value = [u8];
    const CONTENT_TYPE: &'static str = "application/octet-stream";

    fn accepts(_: &str) -> bool {
        true
    }

    fn encode(value: &[u8]) -> Result<Bytes, CodecError> {
        Ok(Bytes::copy_from_slice(value))
    }

    fn decode(body: &Bytes) -> Result<Self, CodecError> {
        Ok(Self(body.clone()))
    }
}

/// A body of text in UTF-8, of any content type that is `text/...`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text(pub String);

impl Codec for Text {
    type Value = str;
    const CONTENT_TYPE: &'static str = "text/plain";

    fn accepts(content_type: &str) -> bool {
        content_type.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("text/"))
    }

    fn encode(value: &str) -> Result<Bytes, CodecError> {
        Ok(Bytes::copy_from_slice(value.as_bytes()))
    }

    fn decode(body: &Bytes) -> Result<Self, CodecError> {
        match std::str::from_utf8(body) {
            Ok(text) => Ok(Self(text.to_owned())),
            Err(error) => Err(CodecError::Decode { wanted: "text", source: error.into() }),
        }
    }
}
