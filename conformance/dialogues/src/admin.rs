//! What no AMQP method does: users, permissions, policies, alarms.

use crate::in_process;
use crate::target::target;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

/// How far above its AMQP port a broker's management port lies.
const MANAGEMENT_OFFSET: u16 = 10_000;

/// Makes a user, whose password is its name.
pub(crate) fn add_user(name: &str) {
    if target().in_process {
        in_process::add_user(name);
    } else {
        put(&format!("/api/users/{name}"), &format!(r#"{{"password":"{name}","tags":""}}"#));
    }
}

/// Sets a user's permissions in virtual host `/`.
pub(crate) fn set_permissions(name: &str, configure: &str, write: &str, read: &str) {
    if target().in_process {
        in_process::set_permissions(name, configure, write, read);
        return;
    }
    let escape = |pattern: &str| pattern.replace('\\', "\\\\");
    let (configure, write, read) = (escape(configure), escape(write), escape(read));
    let permissions = format!(r#"{{"configure":"{configure}","write":"{write}","read":"{read}"}}"#);
    put(&format!("/api/permissions/%2F/{name}"), &permissions);
}

/// Removes a user.
pub(crate) fn delete_user(name: &str) {
    if target().in_process {
        in_process::delete_user(name);
    } else {
        request("DELETE", &format!("/api/users/{name}"), "");
    }
}

/// Sets a policy of virtual host `/` for names that begin with `prefix`, or an operator policy. The definition is JSON.
pub(crate) fn set_policy(operator: bool, name: &str, prefix: &str, definition: &str) {
    // A name made by `Scratch` has nothing else that an expression would read as more than itself.
    let pattern = format!("^{}", prefix.replace('.', "[.]"));
    if target().in_process {
        in_process::set_policy(operator, name, &pattern, definition);
        return;
    }
    let body =
        format!(r#"{{"pattern":"{pattern}","definition":{definition},"priority":0,"apply-to":"all"}}"#);
    put(&format!("/api/{}/%2F/{name}", policies(operator)), &body);
}

/// Clears a policy of virtual host `/`.
pub(crate) fn clear_policy(operator: bool, name: &str) {
    if target().in_process {
        in_process::clear_policy(operator, name);
    } else {
        request("DELETE", &format!("/api/{}/%2F/{name}", policies(operator)), "");
    }
}

fn policies(operator: bool) -> &'static str {
    if operator { "operator-policies" } else { "policies" }
}

/// Makes a virtual host in which the target's user may do everything.
pub(crate) fn add_vhost(name: &str) {
    if target().in_process {
        in_process::add_vhost(name, &target().user);
    } else {
        put(&format!("/api/vhosts/{name}"), "{}");
        let all = r#"{"configure":".*","write":".*","read":".*"}"#;
        put(&format!("/api/permissions/{name}/{}", target().user), all);
    }
}

/// Removes a virtual host. (One of this process goes with it.)
pub(crate) fn delete_vhost(name: &str) {
    if !target().in_process {
        request("DELETE", &format!("/api/vhosts/{name}"), "");
    }
}

/// Sets a limit of a virtual host: `max-connections` or `max-queues`; negative for none.
pub fn set_vhost_limit(vhost: &str, limit: &str, value: i64) {
    if target().in_process {
        in_process::set_vhost_limit(vhost, limit, value);
    } else {
        put(&format!("/api/vhost-limits/{vhost}/{limit}"), &format!(r#"{{"value":{value}}}"#));
    }
}

/// Switches the firehose of virtual host `/` on or off.
pub fn set_tracing(on: bool) {
    if target().in_process {
        in_process::set_tracing(on);
    } else {
        put("/api/vhosts/%2F", &format!(r#"{{"tracing":{on}}}"#));
    }
}

/// Raises or clears the memory alarm; whether the broker could be told, which one that runs elsewhere cannot.
#[must_use]
pub fn set_memory_alarm(raised: bool) -> bool {
    if target().in_process {
        in_process::set_memory_alarm(raised);
    }
    target().in_process
}

fn put(path: &str, body: &str) {
    request("PUT", path, body);
}

fn request(verb: &str, path: &str, body: &str) {
    let target = target();
    let address = SocketAddr::new(target.address.ip(), target.address.port() + MANAGEMENT_OFFSET);
    let login = base64(format!("{}:{}", target.user, target.password).as_bytes());
    let request = format!(
        "{verb} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Basic {login}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = TcpStream::connect(address).and_then(|mut stream| {
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    });
    match answer {
        Ok(answer) if answer.starts_with("HTTP/1.1 20") => {}
        other => panic!("{verb} {path} on the management port {address}: {other:?}"),
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let number =
            (0..3).fold(0, |number, at| number << 8 | u32::from(three.get(at).copied().unwrap_or(0)));
        for at in 0..4 {
            let digit = char::from(DIGITS[(number >> (18 - 6 * at)) as usize & 63]);
            out.push(if at <= three.len() { digit } else { '=' });
        }
    }
    out
}
