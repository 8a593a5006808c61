//! A request as handlers see it.

use crate::auth::is_monitor;
use crate::context::Context;
use crate::error::ApiError;
use axum::http::HeaderMap;
use bytes::Bytes;
use leveret_broker::Broker;
use leveret_broker::auth::User;
use leveret_broker::vhost::{Actor, VirtualHost};
use serde_json::{Map, Value};
use std::sync::Arc;

/// See the module's documentation. Who asks is known, and may ask.
#[derive(Debug)]
pub struct Call {
    pub(crate) context: Arc<Context>,
    pub(crate) user: Option<User>,
    pub(crate) path: Vec<(String, String)>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    pub(crate) fn broker(&self) -> &Broker {
        &self.context.broker
    }

    /// A part of the path.
    pub(crate) fn param(&self, name: &str) -> &str {
        self.path.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// A parameter of the query, if it is there and not empty.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Whether a parameter of the query says `true`.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.query(name) == Some("true")
    }

    /// A number in the query.
    ///
    /// # Errors
    /// 400: it is none.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, ApiError> {
        match self.query(name) {
            None => Ok(None),
            Some(text) => match text.parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(ApiError::bad_request(format!("{name} has to be a whole number"))),
            },
        }
    }

    /// Who asks. Routes for anybody have nobody.
    ///
    /// # Errors
    /// 401: nobody is logged in.
    pub(crate) fn user(&self) -> Result<&User, ApiError> {
        self.user.as_ref().ok_or_else(|| ApiError::not_authorised("Login failed"))
    }

    /// Who acts.
    ///
    /// # Errors
    /// As [`user`](Self::user).
    pub(crate) fn actor(&self) -> Result<Actor, ApiError> {
        Ok(Actor { user: self.user()?.clone(), connection: 0 })
    }

    /// The virtual host of the path.
    ///
    /// # Errors
    /// 404.
    pub(crate) fn vhost(&self) -> Result<Arc<VirtualHost>, ApiError> {
        self.broker().vhost(self.param("vhost")).ok_or_else(ApiError::not_found)
    }

    /// The virtual host of the path alone, or all that the user may see.
    pub(crate) fn visible_vhosts(&self) -> Vec<Arc<VirtualHost>> {
        if self.path.iter().any(|(name, _)| name == "vhost") {
            return self.vhost().into_iter().collect();
        }
        self.broker().vhosts().into_iter().filter(|vhost| self.sees(vhost.name())).collect()
    }

    /// Whether the user may see a virtual host: it has permissions there, or sees all.
    pub(crate) fn sees(&self, vhost: &str) -> bool {
        self.user.as_ref().is_some_and(|user| {
            is_monitor(user) || self.broker().auth().check_vhost_access(user, vhost).is_ok()
        })
    }

    /// The body as a JSON object; nothing at all is an empty one, as in RabbitMQ.
    ///
    /// # Errors
    /// 400 `not_json`.
    pub(crate) fn object(&self) -> Result<Map<String, Value>, ApiError> {
        if self.body.is_empty() {
            return Ok(Map::new());
        }
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(object)) => Ok(object),
            _ => Err(ApiError::bad_request("not_json")),
        }
    }

    /// The same, with keys that have to be there.
    ///
    /// # Errors
    /// 400 with the keys that are missing.
    pub(crate) fn object_with(&self, keys: &[&str]) -> Result<Map<String, Value>, ApiError> {
        let object = self.object()?;
        let missing: Vec<_> = keys.iter().copied().filter(|key| !object.contains_key(*key)).collect();
        if missing.is_empty() { Ok(object) } else { Err(ApiError::missing(&missing)) }
    }
}

/// A truth value of a body: as such, or as a word, as RabbitMQ takes them.
///
/// # Errors
/// 400 `not_boolean`.
pub(crate) fn flag_of(object: &Map<String, Value>, key: &str) -> Result<bool, ApiError> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(Value::String(word)) if word == "true" => Ok(true),
        Some(Value::String(word)) if word == "false" => Ok(false),
        Some(other) => Err(ApiError::bad_request(serde_json::json!(["not_boolean", other]))),
    }
}

/// A text of a body.
///
/// # Errors
/// 400 `not_string`.
pub(crate) fn text_of<'o>(object: &'o Map<String, Value>, key: &str) -> Result<Option<&'o str>, ApiError> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(ApiError::bad_request(serde_json::json!(["not_string", other]))),
    }
}

/// A whole number of a body, which may be written as text.
///
/// # Errors
/// 400 `not_integer`.
pub(crate) fn integer_of(object: &Map<String, Value>, key: &str) -> Result<Option<i64>, ApiError> {
    let number = match object.get(key) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(text)) => text.parse().ok(),
        Some(_) => None,
    };
    match number {
        Some(number) => Ok(Some(number)),
        None => Err(ApiError::bad_request(serde_json::json!(["not_integer", object.get(key)]))),
    }
}
