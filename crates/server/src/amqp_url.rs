//! `amqp://user:password@host:port/vhost`, read and written.

use std::fmt;

/// Where a broker is and who is calling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AmqpUrl {
    /// User name.
    pub(crate) user: String,
    /// Password.
    pub(crate) password: String,
    /// Host name, IPv4 address or IPv6 address without brackets.
    pub(crate) host: String,
    /// Port; 5672 when the URL has none.
    pub(crate) port: u16,
    /// Virtual host; `/` when the URL has none.
    pub(crate) vhost: String,
}

impl AmqpUrl {
    /// Reads a URL; what is left out is guest, guest, localhost, 5672 and `/`.
    ///
    /// # Errors
    /// A sentence that says which part is wrong.
    pub(crate) fn parse(text: &str) -> Result<AmqpUrl, String> {
        let wrong = |why: &str| format!("`{text}` {why}; expected amqp://USER:PASSWORD@HOST:PORT/VHOST");
        let (scheme, rest) = text.split_once("://").ok_or_else(|| wrong("has no amqp:// in front"))?;
        match scheme.to_ascii_lowercase().as_str() {
            "amqp" => {}
            "amqps" => return Err(wrong("asks for TLS, which this command does not speak")),
            _ => return Err(wrong("is no amqp:// address")),
        }
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) =
            rest.split_once('/').map_or((rest, None), |(authority, path)| (authority, Some(path)));
        let (credentials, place) =
            authority.rsplit_once('@').map_or(("", authority), |(who, place)| (who, place));
        let (user, password) = match credentials {
            "" => ("guest", "guest"),
            both => both.split_once(':').unwrap_or((both, "")),
        };
        let (host, port) = match place.strip_prefix('[') {
            Some(rest) => rest.split_once(']').ok_or_else(|| wrong("has an IPv6 address without `]`"))?,
            None => place.split_at(place.find(':').unwrap_or(place.len())),
        };
        let port = match port.strip_prefix(':') {
            Some(port) => {
                port.parse().map_err(|_| wrong("has a port that is not a number from 0 to 65535"))?
            }
            None if port.is_empty() => 5672,
            None => return Err(wrong("has something behind `]`")),
        };
        let decode = |part: &str| {
            decoded(part).ok_or_else(|| wrong("has a `%` without two hexadecimal digits of UTF-8"))
        };
        Ok(AmqpUrl {
            user: decode(user)?,
            password: decode(password)?,
            host: if host.is_empty() { "localhost".into() } else { decode(host)? },
            port,
            vhost: path.filter(|path| !path.is_empty()).map_or(Ok("/".into()), decode)?,
        })
    }
}

impl fmt::Display for AmqpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "amqp://{}:{}@", encoded(&self.user), encoded(&self.password))?;
        if self.host.contains(':') { write!(f, "[{}]", self.host) } else { f.write_str(&self.host) }?;
        write!(f, ":{}/", self.port)?;
        if self.vhost == "/" { Ok(()) } else { f.write_str(&encoded(&self.vhost)) }
    }
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'%' {
            let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &rest[2..];
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(byte as char);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> String {
        let url = AmqpUrl::parse(text).unwrap();
        format!("{} {} {} {} {}", url.user, url.password, url.host, url.port, url.vhost)
    }

    #[test]
    fn fills_in_what_is_left_out() {
        for (text, expected) in [
            ("amqp://", "guest guest localhost 5672 /"),
            ("amqp://h", "guest guest h 5672 /"),
            ("amqp://h:1/", "guest guest h 1 /"),
            ("amqp://u:p@h:1/v", "u p h 1 v"),
            ("amqp://u:p%40x@[::1]:1/%2Fa?heartbeat=10", "u p@x ::1 1 /a"),
            ("AMQP://h/%2f", "guest guest h 5672 /"),
        ] {
            assert_eq!(parts(text), expected, "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, why) in [
            ("localhost:5672", "has no amqp:// in front"),
            ("http://h", "is no amqp:// address"),
            ("amqps://h", "asks for TLS"),
            ("amqp://h:x", "has a port"),
            ("amqp://h/%zz", "has a `%`"),
            ("amqp://[::1", "without `]`"),
        ] {
            assert!(AmqpUrl::parse(text).unwrap_err().contains(why), "{text}");
        }
    }

    #[test]
    fn writes_what_it_reads() {
        for text in ["amqp://guest:guest@127.0.0.1:5672/", "amqp://a%2Fb:%C3%A9@[::1]:1/v%20h"] {
            assert_eq!(AmqpUrl::parse(text).unwrap().to_string(), text);
        }
    }
}
