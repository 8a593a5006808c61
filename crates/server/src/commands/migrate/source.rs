//! What the HTTP API says of a broker.

use super::ends::End;
use crate::failure::Failure;
use serde_json::Value;

/// Everything that is declared.
pub(super) fn definitions(end: &End) -> Result<Value, Failure> {
    Ok(end.api.get("definitions")?)
}

/// The queues with their figures, all of them.
pub(super) fn queues(end: &End) -> Result<Vec<Value>, Failure> {
    let found = end.api.get("queues")?;
    Ok(found.as_array().cloned().unwrap_or_default())
}
