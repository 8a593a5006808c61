//! Options that several commands share.

use crate::client_file::{ClientFile, setting};
use crate::failure::Failure;
use crate::http::{Api, HttpOptions};
use crate::output::OutputOptions;
use clap::Args;
use serde_json::{Map, Value};

/// Which broker, and how to print.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Common {
    #[command(flatten)]
    pub(crate) http: HttpOptions,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

impl Common {
    pub(crate) fn api(&self) -> Result<Api, Failure> {
        self.http.api()
    }
}

/// Which virtual host.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct VhostOption {
    /// Virtual host [env: LEVERET_VHOST] [default: /]
    #[arg(long, short = 'V', value_name = "NAME")]
    pub(crate) vhost: Option<String>,
}

impl VhostOption {
    /// The one that is meant.
    pub(crate) fn name(&self) -> Result<String, Failure> {
        let name = setting(self.vhost.clone(), "LEVERET_VHOST", ClientFile::read()?.vhost);
        Ok(name.unwrap_or_else(|| "/".to_owned()))
    }
}

/// A virtual host of a broker, and how to print.
#[derive(Args, Clone, Debug)]
pub(crate) struct InVhost {
    #[command(flatten)]
    vhost: VhostOption,
    #[command(flatten)]
    pub(crate) common: Common,
}

impl InVhost {
    /// The broker's API, and the virtual host's name.
    pub(crate) fn find(&self) -> Result<(Api, String), Failure> {
        Ok((self.common.api()?, self.vhost.name()?))
    }
}

/// One thing in a virtual host.
#[derive(Args, Clone, Debug)]
pub(crate) struct OneInVhost {
    /// Its name
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) place: InVhost,
}

/// One thing of the broker.
#[derive(Args, Clone, Debug)]
pub(crate) struct One {
    /// Its name
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// `key=value` pairs as a JSON object: numbers, `true`, `null`, quoted texts, lists and objects are read as JSON, all else is text.
pub(crate) fn object(pairs: &[String]) -> Result<Map<String, Value>, Failure> {
    let mut object = Map::new();
    for pair in pairs {
        let (key, value) = pair
            .split_once('=')
            .filter(|(key, _)| !key.is_empty())
            .ok_or_else(|| Failure::usage(format!("`{pair}` is not KEY=VALUE")))?;
        object.insert(key.to_owned(), typed(value));
    }
    Ok(object)
}

/// A value that is JSON, or a text.
pub(crate) fn typed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// A JSON object that stands in one argument.
pub(crate) fn json_object(text: &str) -> Result<Value, Failure> {
    match serde_json::from_str(text) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => {
            Err(Failure::usage(format!("`{text}` is JSON, but no object such as {{\"max-length\": 1000}}")))
        }
        Err(error) => Err(Failure::usage(format!("`{text}` is not JSON: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_have_the_type_they_look_like() {
        let pairs =
            ["n=10", "t=\"10\"", "b=true", "s=quorum", "e=", "q=a=b", "l=[1,\"x\"]"].map(str::to_owned);
        let expected =
            json!({"n": 10, "t": "10", "b": true, "s": "quorum", "e": "", "q": "a=b", "l": [1, "x"]});
        assert_eq!(Value::Object(object(&pairs).unwrap()), expected);
        for bad in ["n", "=1"] {
            assert!(object(&[bad.to_owned()]).unwrap_err().text.contains("KEY=VALUE"));
        }
        assert!(json_object("[]").unwrap_err().text.contains("no object"));
        assert!(json_object("{").unwrap_err().text.contains("not JSON"));
    }
}
