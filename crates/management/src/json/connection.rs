//! Connections, channels and consumers.

use super::{Object, Wanted, arguments};
use crate::call::Call;
use crate::stats::Asked;
use leveret_broker::net::tls::TlsInfo;
use leveret_broker::{ChannelInfo, ConnectionInfo, ConsumerInfo};
use serde_json::{Value, json};

/// A connection, with RabbitMQ's keys.
pub(crate) fn connection(call: &Call, info: &ConnectionInfo, wanted: Wanted<'_>) -> Value {
    let node = call.broker().config().node_name.as_str();
    let name = |name: &Option<leveret_broker::name::Name>| json!(name.as_deref());
    let mut json = Object::new(wanted);
    json.put("name", || info.name.as_str());
    json.put("node", || node);
    json.put("protocol", || "AMQP 0-9-1");
    json.put("type", || if info.endpoints.is_some() { "network" } else { "direct" });
    json.put("user", || name(&info.user));
    json.put("user_who_performed_action", || name(&info.user));
    json.put("vhost", || name(&info.vhost));
    json.put("state", || info.state.as_str());
    json.put("channels", || info.channels);
    json.put("channel_max", || info.channel_max);
    json.put("frame_max", || info.frame_max);
    json.put("timeout", || info.heartbeat_s);
    json.put("auth_mechanism", || json!(info.auth_mechanism));
    json.put("connected_at", || info.connected_at_unix_ms);
    json.put("client_properties", || arguments(&info.client_properties));
    if let Some(name) = &info.user_provided_name {
        json.put("user_provided_name", || name.as_str());
    }
    json.put("host", || json!(info.endpoints.map(|ends| ends.own.ip().to_string())));
    json.put("port", || json!(info.endpoints.map(|ends| ends.own.port())));
    json.put("peer_host", || json!(info.endpoints.map(|ends| ends.peer.ip().to_string())));
    json.put("peer_port", || json!(info.endpoints.map(|ends| ends.peer.port())));
    put_tls(info.tls.as_ref(), &mut json);
    if !call.flag("disable_stats") {
        json.put("recv_cnt", || info.recv_cnt);
        json.put("send_cnt", || info.send_cnt);
        json.put("send_pend", || info.send_pend);
        let is_counted = |name: &str| name.starts_with("recv_oct") || name.starts_with("send_oct");
        json.append(is_counted, || call.context.stats.connection(info, Asked::of(call)));
    }
    json.end()
}

fn put_tls(tls: Option<&TlsInfo>, json: &mut Object<'_>) {
    json.put("ssl", || tls.is_some());
    json.put("ssl_protocol", || json!(tls.map(|tls| tls.protocol)));
    json.put("ssl_cipher", || json!(tls.map(|tls| &tls.cipher)));
    json.put("ssl_key_exchange", || json!(tls.map(|tls| &tls.key_exchange)));
    json.put("ssl_hash", || json!(tls.map(|tls| tls.hash)));
    let peer = tls.and_then(|tls| tls.certificate.as_ref());
    json.put("peer_cert_subject", || json!(peer.map(|peer| &peer.subject)));
    json.put("peer_cert_issuer", || json!(peer.map(|peer| &peer.issuer)));
    json.put("peer_cert_validity", || json!(peer.map(|peer| &peer.validity)));
}

fn ends(connection: Option<&ConnectionInfo>) -> (Value, Value) {
    let ends = connection.and_then(|connection| connection.endpoints);
    (json!(ends.map(|ends| ends.peer.ip().to_string())), json!(ends.map(|ends| ends.peer.port())))
}

/// A channel; `connection` is its own.
pub(crate) fn channel(
    call: &Call,
    info: &ChannelInfo,
    connection: Option<&ConnectionInfo>,
    wanted: Wanted<'_>,
) -> Value {
    let mut json = Object::new(wanted);
    json.put("name", || info.name.as_str());
    json.put("number", || info.number);
    json.put("node", || call.broker().config().node_name.as_str());
    json.put("user", || &*info.user);
    json.put("user_who_performed_action", || &*info.user);
    json.put("vhost", || &*info.vhost);
    json.put("state", || "running");
    json.put("confirm", || info.confirm);
    json.put("transactional", || info.transactional);
    json.put("prefetch_count", || info.prefetch_count);
    json.put("global_prefetch_count", || info.global_prefetch_count);
    json.put("consumer_count", || info.consumer_count);
    json.put("messages_unacknowledged", || info.messages_unacknowledged);
    json.put("messages_unconfirmed", || info.messages_unconfirmed);
    json.put("messages_uncommitted", || info.messages_uncommitted);
    json.put("acks_uncommitted", || info.acks_uncommitted);
    json.put("connection_details", || {
        let (peer_host, peer_port) = ends(connection);
        json!({ "name": info.connection_name, "peer_host": peer_host, "peer_port": peer_port })
    });
    if !call.flag("disable_stats") {
        json.put("idle_since", || super::time(info.used_unix_ms));
        let stats = || call.context.stats.channel(info, Asked::of(call));
        json.put_known("message_stats", stats);
    }
    json.end()
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
