//! JSON.

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use super::{Codec, CodecError, Decode, Encode, mime};

/// A body in JSON. Says `application/json`, and reads what says so or ends in `+json`.
///
/// ```
/// use leveret::{Decode, Encode, Json};
///
/// let body = Json::<Vec<&str>>::encode(&vec!["coffee", "tea"])?;
/// let Json(drinks) = Json::<Vec<String>>::read(Some("application/json"), &body)?;
/// assert_eq!(drinks, ["coffee", "tea"]);
/// # Ok::<(), leveret::CodecError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Json<T>(pub T);

impl<T> Codec for Json<T> {
    const CONTENT_TYPE: &'static str = "application/json";

    fn accepts(content_type: &str) -> bool {
        let mime = mime(content_type);
        let suffix = mime.len().checked_sub(5).and_then(|at| mime.get(at..)).unwrap_or_default();
        mime.eq_ignore_ascii_case(Self::CONTENT_TYPE) || suffix.eq_ignore_ascii_case("+json")
    }
}

impl<T: Serialize> Encode for Json<T> {
    type Value = T;

    fn encode(value: &T) -> Result<Bytes, CodecError> {
        match serde_json::to_vec(value) {
            Ok(body) => Ok(body.into()),
            Err(error) => Err(CodecError::Encode { wanted: "JSON", source: error.into() }),
        }
    }
}

impl<T: DeserializeOwned + Send> Decode for Json<T> {
    fn decode(body: &Bytes) -> Result<Self, CodecError> {
        if let Ok(value) = serde_json::from_slice(body) {
            return Ok(Self(value));
        }
        // Once more, slower, to say where it is wrong.
        let wrong = |source| CodecError::Decode { wanted: "JSON", source };
        let mut reader = serde_json::Deserializer::from_slice(body);
        let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| wrong(error.into()))?;
        reader.end().map_err(|error| wrong(error.into()))?;
        Ok(Self(value))
    }
}
