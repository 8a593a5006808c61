//! Whether a queue of the target can be read without changing it, and how. Pure.
//!
//! Reading is consuming without settling; at the end everything goes back to where it was. What that costs depends on the broker: a quorum
//! queue counts it against its delivery limit when a consumer is lost (Leveret and RabbitMQ 4 do not when it gives back, RabbitMQ 3 does
//! either way), and RabbitMQ before 4 puts more than 32 messages of one consumer back in no order unless the consumer's channel ends.

use serde_json::Value;

/// Bytes of bodies above which a queue is not read back: the target keeps what is unsettled in memory.
pub(super) const BYTES_MAX: u64 = 1 << 30;
/// Messages of one consumer at least, where there are as many.
const WINDOW_MIN: u64 = 1000;
/// Into how many consumers the messages are divided. RabbitMQ before 3.13 gives the messages of a lost channel back consumer by consumer, in
/// the order of their tags while there are at most 32.
const WINDOWS: u64 = 24;
const WINDOWS_MAX: u64 = 32;
/// Deliveries of a quorum queue unless it says otherwise (Leveret, RabbitMQ from 4.0 on).
const DELIVERY_LIMIT: i64 = 20;

/// Who the target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Leveret,
    /// With its major version.
    RabbitMq(u64),
}

/// How it is read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Terms {
    /// Messages of each consumer.
    pub(super) window: u16,
    /// Whether the broker is to keep other consumers away.
    pub(super) is_exclusive: bool,
    /// Whether the messages are given back before the channel ends.
    pub(super) gives_back: bool,
}

/// What is asked of a queue as the HTTP API shows it, with `count` messages, which was read back `read_backs` times before.
///
/// # Errors
/// Why reading would not leave it as it is.
pub(super) fn terms(queue: &Value, kind: Kind, count: u64, read_backs: u64) -> Result<Terms, String> {
    let argument = |key: &str| &queue["arguments"][key];
    let is_quorum = queue["type"] == "quorum" || argument("x-queue-type") == "quorum";
    let gives_back = kind == Kind::Leveret || matches!(kind, Kind::RabbitMq(4..));
    if queue["message_bytes"].as_u64().is_some_and(|bytes| bytes > BYTES_MAX) {
        return Err("more than 1 GiB: too large to be read back".into());
    }
    let limits = [argument("x-delivery-limit"), &queue["effective_policy_definition"]["delivery-limit"]];
    let said = limits.iter().filter_map(|limit| limit.as_i64()).min();
    let limit = said.or(gives_back.then_some(DELIVERY_LIMIT)).filter(|limit| is_quorum && *limit >= 0);
    // Each may have cost a delivery: those that give back may have been killed before.
    if limit.is_some_and(|limit| limit.unsigned_abs() <= read_backs) {
        let limit = limit.unwrap_or_default();
        let before =
            if read_backs > 0 { format!(", and it was read {read_backs} times") } else { String::new() };
        return Err(format!(
            "its delivery limit is {limit}{before}: reading could make its messages dead letters"
        ));
    }
    if ["returned", "all"].iter().any(|kind| argument("x-delayed-retry-type") == kind) {
        return Err(
            "what is given back to it waits (x-delayed-retry-type): reading would delay its messages".into(),
        );
    }
    let is_single_active = argument("x-single-active-consumer") == true;
    let window = match is_single_active {
        // Another one might not be active before the first has settled everything.
        true => count,
        false => count.div_ceil(WINDOWS).max(WINDOW_MIN),
    };
    let window = u16::try_from(window.max(1)).unwrap_or(u16::MAX);
    if is_quorum && count.div_ceil(window.into()) > WINDOWS_MAX {
        return Err(format!("{count} messages: too many of a quorum queue to come back in order"));
    }
    // RabbitMQ has no exclusive consumers where one is active.
    Ok(Terms { window, is_exclusive: !is_single_active, gives_back })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn it_is_read_where_it_stays_as_it_is() {
        let quorum = |limit: i64| json!({"type": "quorum", "arguments": {"x-delivery-limit": limit}});
        let rule =
            json!({"type": "quorum", "arguments": {}, "effective_policy_definition": {"delivery-limit": 1}});
        let none = json!({"type": "quorum", "arguments": {}});
        let delayed = json!({"arguments": {"x-queue-type": "quorum", "x-delayed-retry-type": "all"}});
        let (three, four) = (Kind::RabbitMq(3), Kind::RabbitMq(4));
        for (queue, kind, count, read_backs, words) in [
            (json!({"type": "classic", "message_bytes": 1u64 << 31}), three, 1, 0, "more than 1 GiB"),
            (quorum(0), three, 1, 0, "its delivery limit is 0:"),
            (quorum(2), three, 1, 2, "its delivery limit is 2, and it was read 2 times:"),
            (rule, three, 1, 1, "its delivery limit is 1"),
            (none.clone(), four, 1, 20, "its delivery limit is 20"),
            (none.clone(), Kind::Leveret, 1, 20, "its delivery limit is 20"),
            (delayed, Kind::Leveret, 1, 0, "what is given back to it waits"),
            (none.clone(), three, 3_000_000, 0, "3000000 messages: too many"),
        ] {
            let refused = terms(&queue, kind, count, read_backs).unwrap_err();
            assert!(refused.starts_with(words), "{queue} {kind:?} {read_backs}: {refused}");
        }
        for (queue, kind, read_backs) in [
            (quorum(1), three, 0),
            (quorum(-1), four, 30),
            (none.clone(), three, 30),
            (none, four, 19),
            // A classic queue counts nothing.
            (json!({"type": "classic", "arguments": {"x-delivery-limit": 0}}), three, 5),
        ] {
            assert!(terms(&queue, kind, 1, read_backs).is_ok(), "{queue} {kind:?} {read_backs}");
        }
    }

    #[test]
    fn windows_are_few_and_one_where_only_one_is_active() {
        let of = |arguments: Value, kind, count| {
            let queue = json!({"type": "quorum", "arguments": arguments});
            let terms = terms(&queue, kind, count, 0).unwrap();
            (terms.window, terms.is_exclusive, terms.gives_back)
        };
        let single = json!({"x-single-active-consumer": true});
        assert_eq!(of(json!({}), Kind::RabbitMq(3), 20_000), (1000, true, false));
        assert_eq!(of(json!({}), Kind::RabbitMq(4), 240_000), (10_000, true, true));
        assert_eq!(of(json!({}), Kind::Leveret, 2_000_000), (u16::MAX, true, true));
        assert_eq!(of(single.clone(), Kind::RabbitMq(3), 20_000), (20_000, false, false));
        assert_eq!(of(single, Kind::RabbitMq(3), 100_000), (u16::MAX, false, false));
    }
}
