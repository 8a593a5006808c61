//! `amqp://` and `amqps://`, as [RabbitMQ specifies them](https://www.rabbitmq.com/docs/uri-spec).
//!
//! This is the text and its parts, nothing is looked up and no default is filled in beyond host and port. What the parameters
//! after `?` mean is decided in [`crate::options`].

mod error;
mod percent;

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

pub use error::UriError;
pub(crate) use error::nearest;

/// Port of `amqp://` when none is given.
pub const PORT: u16 = 5672;
/// Port of `amqps://` when none is given.
pub const PORT_TLS: u16 = 5671;

/// Where a broker listens.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// A name or an IP address; IPv6 without brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
}

impl Address {
    /// An address from its parts.
    #[must_use]
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// A parsed URI. `Debug` and `Display` never show the password.
///
/// ```
/// use leveret_client::AmqpUri;
///
/// let uri: AmqpUri = "amqps://app:s%40cret@mq1,mq2:5680/orders?heartbeat=10".parse()?;
/// assert_eq!(uri.password(), Some("s@cret"));
/// assert_eq!(uri.addresses[1].to_string(), "mq2:5680");
/// assert_eq!(uri.to_string(), "amqps://app:***@mq1:5671,mq2:5680/orders?heartbeat=10");
/// # Ok::<(), leveret_client::UriError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AmqpUri {
    /// Whether it is `amqps://`.
    pub tls: bool,
    /// The user, if there is one.
    pub username: Option<String>,
    password: Option<String>,
    /// One or more brokers, comma-separated in the text; `localhost` when the text names none.
    pub addresses: Vec<Address>,
    /// The virtual host: `None` when the text ends before the slash, `Some("")` when it ends after it.
    pub vhost: Option<String>,
    /// Names and values after `?`, in order, decoded.
    pub parameters: Vec<(String, String)>,
}

impl AmqpUri {
    /// The password, if there is one.
    #[must_use]
    pub fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    fn write(&self, f: &mut impl fmt::Write, password: impl Fn(&str) -> String) -> fmt::Result {
        f.write_str(if self.tls { "amqps://" } else { "amqp://" })?;
        if self.username.is_some() || self.password.is_some() {
            f.write_str(&percent::encode(self.username.as_deref().unwrap_or_default()))?;
            if let Some(secret) = &self.password {
                write!(f, ":{}", password(secret))?;
            }
            f.write_char('@')?;
        }
        for (index, address) in self.addresses.iter().enumerate() {
            let (comma, host) = (if index == 0 { "" } else { "," }, &address.host);
            match host.contains(':') {
                true => write!(f, "{comma}[{}]:{}", percent::encode_host_v6(host), address.port)?,
                false => write!(f, "{comma}{}:{}", percent::encode(host), address.port)?,
            }
        }
        if let Some(vhost) = &self.vhost {
            write!(f, "/{}", percent::encode(vhost))?;
        }
        for (index, (name, value)) in self.parameters.iter().enumerate() {
            let mark = if index == 0 { '?' } else { '&' };
            write!(f, "{mark}{}={}", percent::encode(name), percent::encode(value))?;
        }
        Ok(())
    }
}

/// The whole URI with `***` for the password.
impl fmt::Display for AmqpUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, |_| "***".to_owned())
    }
}

impl fmt::Debug for AmqpUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AmqpUri({self})")
    }
}

impl FromStr for AmqpUri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        let (scheme, rest) = text.split_once("://").ok_or(UriError::NoScheme)?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "amqp" => false,
            "amqps" => true,
            other => return Err(UriError::Scheme(other.to_owned())),
        };
        if rest.contains('#') {
            return Err(UriError::Fragment);
        }
        let (rest, query) = rest.split_once('?').map_or((rest, ""), |(rest, query)| (rest, query));
        let (authority, path) = rest.split_once('/').map_or((rest, None), |(a, path)| (a, Some(path)));
        let (username, password, hosts) = user_info(authority)?;
        Ok(Self {
            tls,
            username,
            password,
            addresses: hosts.split(',').map(|host| address(host, tls)).collect::<Result<_, _>>()?,
            vhost: path.map(vhost).transpose()?,
            parameters: query
                .split('&')
                .filter(|pair| !pair.is_empty())
                .map(pair)
                .collect::<Result<_, _>>()?,
        })
    }
}

type UserInfo<'a> = (Option<String>, Option<String>, &'a str);

fn user_info(authority: &str) -> Result<UserInfo<'_>, UriError> {
    // The last `@`: an unencoded one in a password is a mistake with only one sensible reading.
    let Some((info, hosts)) = authority.rsplit_once('@') else { return Ok((None, None, authority)) };
    let (user, password) = info.split_once(':').map_or((info, None), |(user, word)| (user, Some(word)));
    let username = percent::decode(user, "user")?;
    Ok((Some(username), password.map(|word| percent::decode(word, "password")).transpose()?, hosts))
}

fn address(text: &str, tls: bool) -> Result<Address, UriError> {
    let (host, port) = if let Some(inner) = text.strip_prefix('[') {
        let (host, rest) = inner.split_once(']').ok_or_else(|| UriError::Host(text.to_owned()))?;
        let host = percent::decode(host, "host")?;
        // What follows a percent sign is the zone, for link-local addresses.
        host.split('%')
            .next()
            .unwrap_or_default()
            .parse::<Ipv6Addr>()
            .map_err(|_| UriError::Host(text.to_owned()))?;
        match rest {
            "" => (host, None),
            _ => (host, Some(rest.strip_prefix(':').ok_or_else(|| UriError::Host(text.to_owned()))?)),
        }
    } else {
        let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
        if port.is_some_and(|port| port.contains(':')) {
            return Err(UriError::Host(text.to_owned()));
        }
        (percent::decode(host, "host")?, port)
    };
    if host.chars().any(|c| c.is_whitespace() || c.is_control() || "/@[],".contains(c)) {
        return Err(UriError::Host(text.to_owned()));
    }
    let port = match port {
        None | Some("") => {
            if tls {
                PORT_TLS
            } else {
                PORT
            }
        }
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
            digits.parse().ok().filter(|port| *port != 0).ok_or_else(|| UriError::Port(digits.to_owned()))?
        }
        Some(other) => return Err(UriError::Port(other.to_owned())),
    };
    Ok(Address { host: if host.is_empty() { "localhost".to_owned() } else { host }, port })
}

fn vhost(path: &str) -> Result<String, UriError> {
    match path {
        // Not by the specification, but kombu and amqp091-go write the default virtual host so.
        "/" => Ok("/".to_owned()),
        path if path.contains('/') => Err(UriError::VhostSlash),
        path => percent::decode(path, "vhost"),
    }
}

fn pair(text: &str) -> Result<(String, String), UriError> {
    let (name, value) = text.split_once('=').ok_or_else(|| UriError::NoValue(text.to_owned()))?;
    Ok((percent::decode(name, "parameter")?, percent::decode(value, "parameter")?))
}

/// Whether a host is an IP address and so has no name to send in TLS's server name indication.
#[must_use]
pub fn is_ip(host: &str) -> bool {
    host.parse::<Ipv4Addr>().is_ok() || host.split('%').next().unwrap_or(host).parse::<Ipv6Addr>().is_ok()
}

#[cfg(test)]
mod tests;
