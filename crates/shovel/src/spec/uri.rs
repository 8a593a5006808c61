//! The URIs of a shovel: which broker, and how it is shown without its secrets.

use super::erlang::text_of;
use leveret_client::{AmqpUri, ConnectOptions, UriError};
use serde_json::Value;

/// Where an end is.
#[derive(Debug, Clone)]
pub enum Place {
    /// This broker: the URI names no host.
    Here(ConnectOptions),
    /// A broker on the network.
    There(ConnectOptions),
}

impl Place {
    /// Reads a URI.
    ///
    /// # Errors
    /// It is none, or says what is not understood.
    pub fn parse(uri: &str) -> Result<Self, UriError> {
        let parsed: AmqpUri = uri.parse()?;
        let options = ConnectOptions::from_uri(&parsed)?;
        let authority = uri.split_once("://").map_or("", |(_, rest)| rest);
        let authority = authority.split(['/', '?']).next().unwrap_or_default();
        let is_here = authority.is_empty() || authority.ends_with('@');
        Ok(if is_here { Self::Here(options) } else { Self::There(options) })
    }
}

/// The URIs of a value: one, or a list.
pub(super) fn list(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(uri)) => vec![uri.clone()],
        Some(Value::Array(uris)) => uris.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// A URI without user and password, as RabbitMQ shows it.
#[must_use]
pub fn shown(uri: &str) -> String {
    let Some((scheme, rest)) = uri.split_once("://") else { return uri.to_owned() };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    // An `@` in a password that nobody encoded is looked for in all of it.
    let end = rest[end..].rfind('@').map_or(end, |at| end + at + 1);
    let from = rest[..end].rfind('@').map_or(0, |at| at + 1);
    format!("{scheme}://{}", &rest[from..])
}

/// What is wrong with a URI, in RabbitMQ's words where it is one of its reasons.
pub(super) fn problem(uri: &str, may_enter: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let reason = match Place::parse(uri) {
        Ok(Place::Here(options)) => return may_enter(&options.vhost),
        Ok(Place::There(_)) => return None,
        Err(UriError::Scheme(scheme)) => {
            format!("{{{{unexpected_uri_scheme,{}}},{}}}", text_of(&scheme), text_of(uri))
        }
        Err(UriError::NoScheme) if uri.is_empty() => "{{unable_to_parse_uri,no_scheme},[]}".to_owned(),
        Err(UriError::NoScheme) => format!("{{{{unable_to_parse_uri,no_scheme}},{}}}", text_of(uri)),
        Err(error) => error.to_string(),
    };
    Some(format!("{} not a valid URI: {reason}", text_of(uri)))
}
