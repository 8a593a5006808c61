//! What the HTTP API says of a broker.

use super::ends::End;
use crate::failure::Failure;
use crate::http::HttpError;
use serde_json::Value;
use std::time::Duration;

/// How often it is asked again what a broker fails to answer, and after what pause: RabbitMQ 3.10 answers 500 to a list of queues when
/// one of them comes or goes meanwhile.
const RETRIES: u32 = 5;
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// Everything that is declared.
pub(super) fn definitions(end: &End) -> Result<Value, Failure> {
    get(end, "definitions")
}

/// The queues with their figures, all of them.
pub(super) fn queues(end: &End) -> Result<Vec<Value>, Failure> {
    let found = get(end, "queues")?;
    Ok(found.as_array().cloned().unwrap_or_default())
}

fn get(end: &End, path: &str) -> Result<Value, Failure> {
    let mut retries = 0;
    loop {
        match end.api.get(path) {
            Err(HttpError::Refused { status: 500.., .. }) if retries < RETRIES => {
                retries += 1;
                std::thread::sleep(RETRY_PAUSE);
            }
            found => return Ok(found?),
        }
    }
}
