//! From a stream to an open connection.

use bytes::BytesMut;
use leveret_protocol::handshake::{Answer, ClientHandshake, ClientStep, Tuning};
use leveret_protocol::{FieldTable, FieldValue, ShortStr};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::error::ConnectError;
use crate::options::{ConnectOptions, Mechanism};
use crate::transport::BoxStream;

/// What the client says it can do; each is honoured.
const CAPABILITIES: [&str; 6] = [
    "publisher_confirms",
    "exchange_exchange_bindings",
    "basic.nack",
    "consumer_cancel_notify",
    "connection.blocked",
    "authentication_failure_close",
];

/// Does the handshake; bytes that came after it stay in `buf`. Gives what was agreed on and what the broker says of itself.
pub(super) async fn handshake(
    stream: &mut BoxStream,
    buf: &mut BytesMut,
    options: &ConnectOptions,
) -> Result<(Tuning, FieldTable), ConnectError> {
    let broken = |error: std::io::Error| ConnectError::Handshake(error.to_string());
    let vhost = ShortStr::truncate(&options.vhost);
    let mut machine = ClientHandshake::new(options.tuning(), vhost);
    let mut out = Vec::new();
    let mut authenticating = false;
    let mut server_properties = FieldTable::new();
    loop {
        let next = machine.next(buf, &mut out).map_err(|error| ConnectError::Handshake(error.to_string()))?;
        let (used, open) = match next {
            None => {
                if stream.read_buf(buf).await.map_err(broken)? == 0 {
                    if authenticating {
                        let text =
                            "the broker closed the socket during the login; check user, password and vhost";
                        return Err(ConnectError::Refused { code: 403, text: text.into() });
                    }
                    return Err(ConnectError::Handshake("the broker closed the socket".into()));
                }
                continue;
            }
            Some((ClientStep::Start(start), used)) => {
                let offered = String::from_utf8_lossy(start.mechanisms).into_owned();
                let Some(mechanism) = Mechanism::choose(&options.mechanisms, &offered) else {
                    return Err(ConnectError::Mechanism { offered });
                };
                let response = mechanism.response(&options.credentials);
                machine.start_ok(
                    Answer {
                        client_properties: properties(options),
                        mechanism: ShortStr::truncate(mechanism.name()),
                        response: &response,
                        locale: ShortStr::truncate(&options.locale),
                    },
                    &mut out,
                );
                // A broker that says so would tell a failed login; the end of its stream is then no more than that.
                authenticating = !tells_failed_logins(&start.server_properties);
                server_properties = start.server_properties;
                (used, false)
            }
            Some((ClientStep::Secure { .. }, _)) => {
                return Err(ConnectError::Handshake("the mechanism asks a second question".into()));
            }
            Some((ClientStep::Closed(close), _)) => {
                let (code, text) = (close.reply_code, close.reply_text.to_lossy().into_owned());
                // The refusal is what counts; whether the broker still reads the answer is not.
                let _ = stream.write_all(&out).await;
                return Err(ConnectError::Refused { code, text });
            }
            Some((ClientStep::Tuned(_), used)) => {
                authenticating = false;
                (used, false)
            }
            Some((ClientStep::Open, used)) => (used, true),
            Some((ClientStep::Progress, used)) => (used, false),
        };
        let _ = buf.split_to(used);
        stream.write_all(&out).await.map_err(broken)?;
        out.clear();
        if let Some(tuning) = machine.negotiated().filter(|_| open) {
            stream.flush().await.map_err(broken)?;
            return Ok((tuning, server_properties));
        }
    }
}

fn tells_failed_logins(server_properties: &FieldTable) -> bool {
    let capabilities = server_properties.get("capabilities");
    let Some(FieldValue::Table(capabilities)) = capabilities else { return false };
    capabilities.get("authentication_failure_close") == Some(&FieldValue::Bool(true))
}

fn properties(options: &ConnectOptions) -> FieldTable {
    let capabilities: FieldTable = CAPABILITIES.into_iter().map(|name| (name, true)).collect();
    let mut properties = FieldTable::from([
        ("product", "leveret-client"),
        ("version", env!("CARGO_PKG_VERSION")),
        ("platform", "Rust"),
    ]);
    properties.insert("capabilities", capabilities);
    if let Some(name) = &options.name {
        properties.insert("connection_name", name.as_str());
    }
    for (name, value) in options.client_properties.iter() {
        properties.insert(name.clone(), value.clone());
    }
    properties
}
