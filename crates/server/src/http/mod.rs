//! A client of RabbitMQ's HTTP API, for the commands that talk to a broker: Leveret's or RabbitMQ's.
//!
//! One request at a time, with a deadline and a bound on what is answered. It knows status codes and JSON, not what they mean.

mod error;
mod options;
mod path;
mod place;
mod tls;

pub(crate) use error::HttpError;
pub(crate) use options::HttpOptions;
pub(crate) use path::{encoded, path};
pub(crate) use place::Place;

use base64::Engine as _;
use serde_json::Value;
use std::time::Duration;
use ureq::http::Request;

/// Largest answer that is read, in bytes: definitions of some hundred thousand entities.
const ANSWER_BYTES_MAX: u64 = 512 << 20;

/// A broker's HTTP API and who asks it.
pub(crate) struct Api {
    agent: ureq::Agent,
    place: Place,
    authorization: String,
    timeout: Duration,
}

impl Api {
    /// Nothing is sent yet.
    pub(crate) fn new(
        place: Place,
        ca_file: Option<&std::path::Path>,
        timeout: Duration,
    ) -> Result<Api, HttpError> {
        let mut config = ureq::Agent::config_builder()
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            .max_redirects(0)
            // A broker is asked directly: a proxy for the web seldom knows the way.
            .proxy(None)
            .user_agent(concat!("leveret/", env!("CARGO_PKG_VERSION")));
        if place.is_tls {
            config = config.tls_config(tls::config(ca_file)?);
        }
        let secret = format!("{}:{}", place.user, place.password);
        let authorization = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(secret));
        Ok(Api { agent: config.build().into(), place, authorization, timeout })
    }

    /// Where it is, without the password.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// What is found at a path below `/api/`.
    pub(crate) fn get(&self, path: &str) -> Result<Value, HttpError> {
        self.send("GET", path, None)
    }

    /// Sends JSON, or nothing; `Null` when the answer has no body.
    pub(crate) fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, HttpError> {
        let (status, text) = self.ask(method, path, body)?;
        match status {
            200..300 if text.iter().all(u8::is_ascii_whitespace) => Ok(Value::Null),
            200..300 => {
                serde_json::from_slice(&text).map_err(|_| HttpError::NotJson { url: self.place.url(path) })
            }
            _ => Err(HttpError::refused(&self.place, method, path, status, &text)),
        }
    }

    /// What to say of a status code that [`ask`](Self::ask) told.
    pub(crate) fn refusal(&self, method: &str, path: &str, status: u16, text: &[u8]) -> HttpError {
        HttpError::refused(&self.place, method, path, status, text)
    }

    /// Deletes what is at a path, with one more header.
    pub(crate) fn delete_with_header(&self, path: &str, header: (&str, &str)) -> Result<(), HttpError> {
        let (status, text) = self.exchange("DELETE", path, None, Some(header))?;
        if (200..300).contains(&status) {
            return Ok(());
        }
        Err(HttpError::refused(&self.place, "DELETE", path, status, &text))
    }

    /// The same with every status code told, for checks whose answer it is.
    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(u16, Vec<u8>), HttpError> {
        self.exchange(method, path, body, None)
    }

    fn exchange(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        header: Option<(&str, &str)>,
    ) -> Result<(u16, Vec<u8>), HttpError> {
        let mut request = Request::builder()
            .method(method)
            .uri(self.place.url(path))
            .header("authorization", &self.authorization)
            .header("accept", "*/*");
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let failed = |error| HttpError::from_ureq(error, &self.place, self.timeout);
        let mut answer = match body {
            Some(body) => {
                let request = request.header("content-type", "application/json").body(body.to_string());
                self.agent.run(request.map_err(|error| failed(error.into()))?)
            }
            None => self.agent.run(request.body(()).map_err(|error| failed(error.into()))?),
        }
        .map_err(failed)?;
        let text = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec().map_err(failed)?;
        Ok((answer.status().as_u16(), text))
    }
}
