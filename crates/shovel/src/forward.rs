//! What a message looks like on the other side. Nothing of it changes, to the byte, unless the shovel was asked to change it.

use crate::spec::{Origin, Spec, shown};
use leveret_client::{FieldTable, FieldValue, Properties, RawProperties};

/// Header with the way a message took, the last shovel first.
const WAY: &str = "x-shovelled";
/// Header with the time of the last shovel, in seconds since 1970.
const WHEN: &str = "x-shovelled-timestamp";

/// Changes messages as a shovel says.
#[derive(Debug)]
pub(crate) struct Forward {
    exchange: Option<String>,
    key: Option<String>,
    properties: Properties,
    way: Option<FieldTable>,
    with_time: bool,
    is_changing: bool,
}

/// Whose shovel it is.
pub(crate) struct Identity<'a> {
    pub(crate) vhost: &'a str,
    pub(crate) name: &'a str,
    /// What the broker calls itself.
    pub(crate) cluster: &'a str,
}

impl Forward {
    /// Of a shovel that is connected to these two.
    pub(crate) fn new(spec: &Spec, who: &Identity<'_>, src_uri: &str, dest_uri: &str) -> Self {
        let (exchange, key) = match &spec.dest_queue {
            Some((queue, _)) => (Some(String::new()), Some(queue.clone())),
            None => (spec.dest_exchange.clone(), spec.dest_key.clone()),
        };
        let way = spec.forward_headers.then(|| way(spec, who, src_uri, dest_uri));
        let (properties, with_time) = (spec.properties.clone(), spec.timestamp_header);
        let is_changing = way.is_some() || with_time || properties != Properties::default();
        Self { exchange, key, properties, way, with_time, is_changing }
    }

    /// Where a message that came from `exchange` goes.
    pub(crate) fn exchange<'a>(&'a self, exchange: &'a str) -> &'a str {
        self.exchange.as_deref().unwrap_or(exchange)
    }

    /// Its routing key.
    pub(crate) fn key<'a>(&'a self, key: &'a [u8]) -> &'a [u8] {
        self.key.as_ref().map_or(key, |key| key.as_bytes())
    }

    /// Its properties; `None`: as they are.
    ///
    /// # Errors
    /// They are to be changed and have a text that is not UTF-8.
    pub(crate) fn properties(&self, raw: RawProperties<'_>, unix_s: u64) -> Result<Option<Vec<u8>>, String> {
        if !self.is_changing {
            return Ok(None);
        }
        let own = Properties::try_from(raw).map_err(|error| error.to_string())?;
        let set = self.properties.clone();
        let mut all = Properties {
            content_type: set.content_type.or(own.content_type),
            content_encoding: set.content_encoding.or(own.content_encoding),
            headers: own.headers,
            delivery_mode: set.delivery_mode.or(own.delivery_mode),
            priority: set.priority.or(own.priority),
            correlation_id: set.correlation_id.or(own.correlation_id),
            reply_to: set.reply_to.or(own.reply_to),
            expiration: set.expiration.or(own.expiration),
            message_id: set.message_id.or(own.message_id),
            timestamp: set.timestamp.or(own.timestamp),
            kind: set.kind.or(own.kind),
            user_id: set.user_id.or(own.user_id),
            app_id: set.app_id.or(own.app_id),
            cluster_id: set.cluster_id.or(own.cluster_id),
        };
        if let Some(way) = &self.way {
            let headers = all.headers.get_or_insert_default();
            let mut ways = vec![FieldValue::Table(way.clone())];
            if let Some(FieldValue::Array(before)) = headers.remove(WAY) {
                ways.extend(before);
            }
            headers.insert(WAY, FieldValue::Array(ways));
        }
        if self.with_time {
            let seconds = i64::try_from(unix_s).unwrap_or(i64::MAX);
            all.headers.get_or_insert_default().insert(WHEN, FieldValue::I64(seconds));
        }
        let mut encoded = Vec::new();
        all.encode(&mut encoded);
        Ok(Some(encoded))
    }
}

fn way(spec: &Spec, who: &Identity<'_>, src_uri: &str, dest_uri: &str) -> FieldTable {
    let mut way = FieldTable::new();
    let mut put = |key: &'static str, text: &str| _ = way.insert(key, text);
    put("shovelled-by", who.cluster);
    put("shovel-type", "dynamic");
    put("shovel-name", who.name);
    put("shovel-vhost", who.vhost);
    put("src-uri", &shown(src_uri));
    put("dest-uri", &shown(dest_uri));
    match &spec.origin {
        Origin::Queue(queue, _) => put("src-queue", queue),
        Origin::Exchange(exchange, key) => {
            put("src-exchange", exchange);
            put("src-exchange-key", key);
        }
    }
    if let Some((queue, _)) = &spec.dest_queue {
        put("dest-queue", queue);
    }
    spec.dest_exchange.iter().for_each(|exchange| put("dest-exchange", exchange));
    spec.dest_key.iter().for_each(|key| put("dest-exchange-key", key));
    way
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn forward(more: serde_json::Value) -> Forward {
        let mut value = json!({"src-uri": "amqp://u:p@h", "dest-uri": "amqp://", "src-queue": "a"});
        value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let who = Identity { vhost: "/", name: "s", cluster: "c" };
        Forward::new(&Spec::parse("s", &value).unwrap(), &who, "amqp://u:p@h", "amqp://")
    }

    #[test]
    fn nothing_changes_unasked() {
        let forward = forward(json!({}));
        assert_eq!((forward.exchange("e"), forward.key(b"\xff")), ("e", &b"\xff"[..]));
        assert_eq!(forward.properties(RawProperties::EMPTY, 1), Ok(None));
    }

    #[test]
    fn a_queue_is_reached_by_the_default_exchange() {
        let forward = forward(json!({"dest-queue": "q"}));
        assert_eq!((forward.exchange("e"), forward.key(b"k")), ("", &b"q"[..]));
    }

    #[test]
    fn ways_are_told_the_last_first_and_without_secrets() {
        let forward = forward(json!({"dest-add-forward-headers": true, "dest-add-timestamp-header": true,
            "dest-publish-properties": {"delivery_mode": 2}}));
        let once = forward.properties(RawProperties::EMPTY, 5).unwrap().unwrap();
        let twice = forward.properties(RawProperties::parse(&once).unwrap(), 6).unwrap().unwrap();
        let all = Properties::try_from(RawProperties::parse(&twice).unwrap()).unwrap();
        let headers = all.headers.unwrap();
        assert_eq!((all.delivery_mode, headers.get(WHEN).unwrap().as_i64()), (Some(2), Some(6)));
        let ways = headers.get(WAY).unwrap().as_array().unwrap();
        assert_eq!(ways.len(), 2);
        let way = ways[0].as_table().unwrap();
        assert_eq!(way.get("src-uri").unwrap().as_str(), Some("amqp://h"));
        assert_eq!(way.get("shovelled-by").unwrap().as_str(), Some("c"));
    }
}
