//! `http://user:password@host:port/prefix`: where an HTTP API is, and who calls.

/// The parts of the URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Whether it is `https://`.
    pub(crate) is_tls: bool,
    /// Host and port as written, without user and password; IPv6 in brackets.
    pub(crate) authority: String,
    /// What stands before `/api`, without a slash at its end; usually nothing.
    pub(crate) prefix: String,
    /// User name.
    pub(crate) user: String,
    /// Password.
    pub(crate) password: String,
}

impl Place {
    /// Reads a URL; user and password are guest when they are left out, the port is 15672 (15671 with TLS).
    ///
    /// # Errors
    /// A sentence that says which part is wrong.
    pub(crate) fn parse(text: &str) -> Result<Place, String> {
        let wrong = |why: &str| format!("`{text}` {why}; expected http://USER:PASSWORD@HOST:15672");
        let (scheme, rest) =
            text.split_once("://").ok_or_else(|| wrong("has no http:// or https:// in front"))?;
        let is_tls = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            "amqp" | "amqps" => return Err(wrong("is an address for AMQP, and this command talks HTTP")),
            _ => return Err(wrong("is no http:// or https:// address")),
        };
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let (who, host) =
            authority.rsplit_once('@').map_or((None, authority), |(who, host)| (Some(who), host));
        let (user, password) = who.map_or(("guest", "guest"), |who| who.split_once(':').unwrap_or((who, "")));
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| !port.contains(']'));
        let authority = match (host, has_port) {
            ("", _) => return Err(wrong("names no host")),
            (_, true) => host.to_owned(),
            (_, false) => format!("{host}:{}", if is_tls { 15671 } else { 15672 }),
        };
        let decode =
            |part| decoded(part).ok_or_else(|| wrong("has a `%` without two hexadecimal digits of UTF-8"));
        let prefix = prefix.trim_end_matches('/');
        let prefix = prefix.strip_suffix("api").map_or(prefix, |before| before.trim_end_matches('/'));
        let prefix = if prefix.is_empty() { String::new() } else { format!("/{prefix}") };
        Ok(Place { is_tls, authority, prefix, user: decode(user)?, password: decode(password)? })
    }

    /// The whole address of a path below `/api/`, without user and password.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/api/{path}", self.root())
    }

    /// The address without `/api/`, user and password.
    pub(crate) fn root(&self) -> String {
        let scheme = if self.is_tls { "https" } else { "http" };
        format!("{scheme}://{}{}", self.authority, self.prefix)
    }
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let byte = if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
        } else {
            byte
        };
        bytes.push(byte);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_in_every_spelling() {
        for (text, root, user, password) in [
            ("http://localhost", "http://localhost:15672", "guest", "guest"),
            ("https://mq.example/", "https://mq.example:15671", "guest", "guest"),
            ("http://a:b%40c@[::1]:80/api/", "http://[::1]:80", "a", "b@c"),
            ("http://[::1]/mq/api", "http://[::1]:15672/mq", "guest", "guest"),
            ("http://app@h:1/proxy/", "http://h:1/proxy", "app", ""),
        ] {
            let place = Place::parse(text).unwrap();
            assert_eq!(
                (place.root().as_str(), place.user.as_str(), place.password.as_str()),
                (root, user, password)
            );
        }
        for (text, why) in [
            ("localhost:15672", "no http://"),
            ("amqp://localhost", "talks HTTP"),
            ("http://", "names no host"),
            ("http://a%4:b@h", "hexadecimal"),
        ] {
            let problem = Place::parse(text).unwrap_err();
            assert!(problem.contains(why), "{problem}");
        }
    }
}
