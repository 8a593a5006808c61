//! Connections, channels and consumers.

use super::arguments;
use crate::call::Call;
use crate::stats::Asked;
use leveret_broker::net::tls::TlsInfo;
use leveret_broker::{ChannelInfo, ConnectionInfo, ConsumerInfo};
use serde_json::{Map, Value, json};

/// A connection, with RabbitMQ's keys.
pub(crate) fn connection(call: &Call, info: &ConnectionInfo) -> Value {
    let node = call.broker().config().node_name.as_str();
    let name = |name: &Option<leveret_broker::name::Name>| json!(name.as_deref());
    let mut json = Map::new();
    let mut put = |name: &str, value: Value| _ = json.insert(name.to_owned(), value);
    put("name", info.name.as_str().into());
    put("node", node.into());
    put("protocol", "AMQP 0-9-1".into());
    put("type", if info.endpoints.is_some() { "network" } else { "direct" }.into());
    put("user", name(&info.user));
    put("user_who_performed_action", name(&info.user));
    put("vhost", name(&info.vhost));
    put("state", info.state.as_str().into());
    put("channels", info.channels.into());
    put("channel_max", info.channel_max.into());
    put("frame_max", info.frame_max.into());
    put("timeout", info.heartbeat_s.into());
    put("auth_mechanism", json!(info.auth_mechanism));
    put("connected_at", info.connected_at_unix_ms.into());
    put("client_properties", arguments(&info.client_properties));
    if let Some(name) = &info.user_provided_name {
        put("user_provided_name", name.as_str().into());
    }
    put("host", json!(info.endpoints.map(|ends| ends.own.ip().to_string())));
    put("port", json!(info.endpoints.map(|ends| ends.own.port())));
    put("peer_host", json!(info.endpoints.map(|ends| ends.peer.ip().to_string())));
    put("peer_port", json!(info.endpoints.map(|ends| ends.peer.port())));
    put_tls(info.tls.as_ref(), &mut put);
    if !call.flag("disable_stats") {
        put("recv_cnt", info.recv_cnt.into());
        put("send_cnt", info.send_cnt.into());
        put("send_pend", info.send_pend.into());
        json.append(&mut call.context.stats.connection(info, Asked::of(call)));
    }
    Value::Object(json)
}

fn put_tls(tls: Option<&TlsInfo>, put: &mut impl FnMut(&str, Value)) {
    put("ssl", tls.is_some().into());
    put("ssl_protocol", json!(tls.map(|tls| tls.protocol)));
    put("ssl_cipher", json!(tls.map(|tls| &tls.cipher)));
    put("ssl_key_exchange", json!(tls.map(|tls| &tls.key_exchange)));
    put("ssl_hash", json!(tls.map(|tls| tls.hash)));
    let peer = tls.and_then(|tls| tls.certificate.as_ref());
    put("peer_cert_subject", json!(peer.map(|peer| &peer.subject)));
    put("peer_cert_issuer", json!(peer.map(|peer| &peer.issuer)));
    put("peer_cert_validity", json!(peer.map(|peer| &peer.validity)));
}

fn ends(connection: Option<&ConnectionInfo>) -> (Value, Value) {
    let ends = connection.and_then(|connection| connection.endpoints);
    (json!(ends.map(|ends| ends.peer.ip().to_string())), json!(ends.map(|ends| ends.peer.port())))
}

/// A channel; `connection` is its own.
pub(crate) fn channel(call: &Call, info: &ChannelInfo, connection: Option<&ConnectionInfo>) -> Value {
    let (peer_host, peer_port) = ends(connection);
    let mut json = Map::new();
    let mut put = |name: &str, value: Value| _ = json.insert(name.to_owned(), value);
    put("name", info.name.as_str().into());
    put("number", info.number.into());
    put("node", call.broker().config().node_name.as_str().into());
    put("user", (&*info.user).into());
    put("user_who_performed_action", (&*info.user).into());
    put("vhost", (&*info.vhost).into());
    put("state", "running".into());
    put("confirm", info.confirm.into());
    put("transactional", info.transactional.into());
    put("prefetch_count", info.prefetch_count.into());
    put("global_prefetch_count", info.global_prefetch_count.into());
    put("consumer_count", info.consumer_count.into());
    put("messages_unacknowledged", info.messages_unacknowledged.into());
    put("messages_unconfirmed", info.messages_unconfirmed.into());
    put("messages_uncommitted", info.messages_uncommitted.into());
    put("acks_uncommitted", info.acks_uncommitted.into());
    put(
        "connection_details",
        json!({ "name": info.connection_name, "peer_host": peer_host, "peer_port": peer_port }),
    );
    if !call.flag("disable_stats") {
        put("idle_since", super::time(info.used_unix_ms).into());
        if let Some(stats) = call.context.stats.channel(info, Asked::of(call)) {
            put("message_stats", stats);
        }
    }
    Value::Object(json)
}

/// A consumer of a queue; `connection` is its own.
pub(crate) fn consumer(
    call: &Call,
    info: &ConsumerInfo,
    (vhost, queue): (&str, &str),
    connection: Option<&ConnectionInfo>,
) -> Value {
    let (peer_host, peer_port) = ends(connection);
    let name = connection.map_or("", |connection| &connection.name);
    let status = match (info.active, info.single_active) {
        (true, true) => "single_active",
        (false, true) => "waiting",
        _ => "up",
    };
    json!({
        "arguments": arguments(&info.arguments),
        "ack_required": !info.no_ack,
        "active": info.active,
        "activity_status": status,
        "channel_details": {
            "connection_name": name,
            "name": format!("{name} ({})", info.channel),
            "node": call.broker().config().node_name,
            "number": info.channel,
            "peer_host": peer_host,
            "peer_port": peer_port,
            "user": connection.and_then(|connection| connection.user.as_deref()),
        },
        "consumer_tag": info.consumer_tag,
        "exclusive": info.exclusive,
        "prefetch_count": info.prefetch_count,
        "messages_unacknowledged": info.unacked,
        "queue": { "name": queue, "vhost": vhost },
    })
}
