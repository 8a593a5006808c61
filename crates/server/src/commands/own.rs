//! What only Leveret can do, below `/api/leveret/`: which messages are meant, and a clear word when the broker is another.

use super::args::object;
use crate::failure::Failure;
use crate::http::Api;
use clap::Args;
use serde_json::{Value, json};

/// Which messages of a queue: all conditions have to hold.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Filter {
    /// Routing key, a pattern as of topic exchanges: order.*, #.failed
    #[arg(long, short = 'k', value_name = "PATTERN", help_heading = "Which messages")]
    routing_key: Option<String>,
    /// Published to this exchange
    #[arg(long, short = 'e', value_name = "EXCHANGE", help_heading = "Which messages")]
    exchange: Option<String>,
    /// With this header, or with this value of it; may be given several times
    #[arg(long = "header", short = 'H', value_name = "KEY[=VALUE]", help_heading = "Which messages")]
    headers: Vec<String>,
    /// With this property: message_id, correlation_id, type, app_id, content_type, user_id or priority
    #[arg(long = "property", short, value_name = "KEY=VALUE", help_heading = "Which messages")]
    properties: Vec<String>,
    /// Whose body has this text in it
    #[arg(long, value_name = "TEXT", help_heading = "Which messages")]
    body: Option<String>,
    /// Dead-lettered because of this: rejected, expired, maxlen or delivery_limit
    #[arg(long, value_name = "REASON", help_heading = "Which messages")]
    died: Option<String>,
    /// Whose timestamp is this or later, in seconds since 1970
    #[arg(long, value_name = "SECONDS", help_heading = "Which messages")]
    from: Option<u64>,
    /// Whose timestamp is this or earlier, in seconds since 1970
    #[arg(long, value_name = "SECONDS", help_heading = "Which messages")]
    to: Option<u64>,
}

impl Filter {
    /// The conditions as the API wants them.
    pub(crate) fn conditions(&self) -> Result<Value, Failure> {
        let mut all = Vec::new();
        let texts = [
            ("routing_key", &self.routing_key),
            ("exchange", &self.exchange),
            ("body_contains", &self.body),
            ("death_reason", &self.died),
        ];
        for (key, value) in texts {
            if let Some(value) = value {
                all.push(json!({key: value}));
            }
        }
        for header in &self.headers {
            all.push(match header.split_once('=') {
                Some((name, value)) => json!({"header": name, "equals": super::args::typed(value)}),
                None => json!({"header": header}),
            });
        }
        for (key, value) in object(&self.properties)? {
            // Everything but the priority is a text, also one that looks like a number.
            let value = match value {
                Value::Number(number) if key != "priority" => Value::String(number.to_string()),
                value => value,
            };
            all.push(json!({key: value}));
        }
        if self.from.is_some() || self.to.is_some() {
            all.push(json!({"timestamp": {"from": self.from, "to": self.to}}));
        }
        Ok(Value::Array(all))
    }
}

/// A broker that does not know our paths is told apart from a queue that is not there.
pub(crate) fn ours(api: &Api, what: &str, instead: &str) -> Result<(), Failure> {
    match api.get("leveret/openapi.json") {
        Err(error) if error.status() == Some(404) => {
            let overview = api.get("overview").unwrap_or_default();
            let version = overview["rabbitmq_version"].as_str().unwrap_or("of an unknown version");
            Err(Failure::new(format!(
                "the broker at {} is no Leveret (RabbitMQ {version}), and {what} is something only Leveret does{instead}",
                api.place().root()
            )))
        }
        found => {
            found?;
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_as_the_api_wants_them() {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let filter = Filter {
            routing_key: Some("a.#".into()),
            headers: texts(&["tenant=eu", "retried", "attempt=3"]),
            properties: texts(&["message_id=7", "priority=4"]),
            died: Some("rejected".into()),
            from: Some(5),
            ..Filter::default()
        };
        let expected = json!([
            {"routing_key": "a.#"}, {"death_reason": "rejected"}, {"header": "tenant", "equals": "eu"}, {"header": "retried"},
            {"header": "attempt", "equals": 3}, {"message_id": "7"}, {"priority": 4}, {"timestamp": {"from": 5, "to": null}},
        ]);
        assert_eq!(filter.conditions().unwrap(), expected);
    }
}
