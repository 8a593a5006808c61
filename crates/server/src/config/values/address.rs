//! Where a listener binds.

use crate::config::declare::Single;
use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

/// `ADDR:PORT`: an IPv4 address, an IPv6 address in brackets or a host name, and a port (0: any free one).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListenAddress {
    host: String,
    port: u16,
}

impl ListenAddress {
    /// The addresses behind the name; for an IP address that is itself. May ask the resolver.
    pub(crate) fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        let found: Vec<SocketAddr> = (host, self.port).to_socket_addrs()?.collect();
        if found.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
        }
        Ok(found)
    }

    /// The port asked for; 0 when any free one will do.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The same host with another port, for suggestions in errors.
    pub(crate) fn with_port(&self, port: u16) -> ListenAddress {
        ListenAddress { host: self.host.clone(), port }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl Single for ListenAddress {
    fn parse_one(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| {
            format!(
                "`{text}` {why}; expected ADDR:PORT such as 127.0.0.1:5672 (this machine only), \
                 0.0.0.0:5672 (every network) or [::1]:5672"
            )
        };
        let (host, port) = text.rsplit_once(':').ok_or_else(|| wrong("has no port"))?;
        let port = port.parse().map_err(|_| wrong("has a port that is not a number from 0 to 65535"))?;
        if host.is_empty() {
            return Err(wrong("has no address"));
        }
        let bracketed = host.starts_with('[') && host.ends_with(']');
        if host.contains(':') && !bracketed {
            return Err(wrong("needs brackets around an IPv6 address"));
        }
        if bracketed && host[1..host.len() - 1].parse::<std::net::Ipv6Addr>().is_err() {
            return Err(wrong("has brackets around something that is no IPv6 address"));
        }
        Ok(ListenAddress { host: host.to_owned(), port })
    }
}

/// Where metrics are served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MetricsAddress {
    /// 20 ports above the first address of the HTTP API, if it is on.
    Auto,
    /// Nowhere.
    Off,
    /// Here.
    At(ListenAddress),
}

impl MetricsAddress {
    /// Where that is; `management` is the first address of the HTTP API.
    pub(crate) fn address(&self, management: Option<&ListenAddress>) -> Option<ListenAddress> {
        match self {
            Self::Off => None,
            Self::At(address) => Some(address.clone()),
            Self::Auto => {
                let beside = management?;
                let port = if beside.port == 0 { 0 } else { beside.port.checked_add(20)? };
                Some(beside.with_port(port))
            }
        }
    }
}

impl Single for MetricsAddress {
    fn parse_one(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "off" | "none" => Ok(Self::Off),
            address => ListenAddress::parse_one(address).map(Self::At),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_beside_the_api_unless_told_otherwise() {
        let api = |text: &str| ListenAddress::parse_one(text).unwrap();
        let table = [
            ("auto", Some("127.0.0.1:15672"), Some("127.0.0.1:15692")),
            ("auto", Some("[::1]:0"), Some("[::1]:0")),
            ("auto", Some("127.0.0.1:65530"), None),
            ("auto", None, None),
            ("off", Some("127.0.0.1:15672"), None),
            ("0.0.0.0:9100", None, Some("0.0.0.0:9100")),
        ];
        for (text, management, expected) in table {
            let found = MetricsAddress::parse_one(text).unwrap().address(management.map(api).as_ref());
            assert_eq!(found.map(|address| address.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn accepts_addresses_and_names() {
        for good in ["127.0.0.1:5672", "0.0.0.0:0", "[::1]:5672", "[::]:5671", "localhost:5672"] {
            assert_eq!(ListenAddress::parse_one(good).map(|a| a.to_string()), Ok(good.to_owned()));
        }
        let six = ListenAddress::parse_one("[::1]:7").unwrap();
        assert_eq!(six.resolve().unwrap(), ["[::1]:7".parse().unwrap()]);
    }

    #[test]
    fn says_what_is_wrong() {
        for (bad, why) in [
            ("5672", "has no port"),
            (":5672", "has no address"),
            ("127.0.0.1:99999", "has a port that is not a number from 0 to 65535"),
            ("::1:5672", "needs brackets around an IPv6 address"),
            ("[localhost]:1", "has brackets around something that is no IPv6 address"),
        ] {
            let problem = ListenAddress::parse_one(bad).unwrap_err();
            assert!(problem.starts_with(&format!("`{bad}` {why}")), "{problem}");
        }
    }
}
