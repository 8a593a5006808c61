//! What is known about the other end of a connection before it says anything.

use std::net::IpAddr;

/// The other end of a connection, as far as logging in depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerInfo {
    /// Whether it is on this machine.
    pub loopback: bool,
    /// Whether it speaks TLS, and who it proved to be.
    pub tls: PeerTls,
    /// It is the broker's own: whatever it says to log in, it is [`User::internal`](super::User::internal).
    pub trusted: bool,
}

impl PeerInfo {
    /// A peer inside this process. It counts as being on this machine.
    pub fn in_process() -> Self {
        Self { loopback: true, tls: PeerTls::Off, trusted: false }
    }

    /// A peer at this address. `127.0.0.0/8`, `::1` and IPv4 loopback addresses written as IPv6 are this machine.
    pub fn at(address: IpAddr, tls: PeerTls) -> Self {
        Self { loopback: address.to_canonical().is_loopback(), tls, trusted: false }
    }
}

/// TLS as seen from this side.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum PeerTls {
    /// A plain connection.
    #[default]
    Off,
    /// TLS, but the peer showed no certificate.
    NoCertificate,
    /// TLS, and a certificate that the configured authorities vouch for.
    Verified(PeerCertificate),
}

/// The names in a verified certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerCertificate {
    /// The subject as RFC 4514 text, most specific part first: `CN=client,OU=Messaging,O=Hare`.
    pub distinguished_name: String,
    /// The subject's common name; several are joined with commas.
    pub common_name: Option<String>,
}

/// Which part of a certificate is the user name (RabbitMQ's `ssl_cert_login_from`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CertificateLogin {
    /// `distinguished_name`: the whole subject.
    #[default]
    DistinguishedName,
    /// `common_name`: the subject's CN.
    CommonName,
}

impl CertificateLogin {
    /// The setting's value as RabbitMQ writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DistinguishedName => "distinguished_name",
            Self::CommonName => "common_name",
        }
    }

    /// Reads the setting's value.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::DistinguishedName, Self::CommonName].into_iter().find(|value| value.as_str() == name)
    }

    /// The user name in `certificate`; `None` when it has no such name.
    pub(super) fn name(self, certificate: &PeerCertificate) -> Option<&str> {
        match self {
            Self::DistinguishedName => Some(&certificate.distinguished_name),
            Self::CommonName => certificate.common_name.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_by_address() {
        let table = [
            ("127.0.0.1", true),
            ("127.9.9.9", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("10.0.0.1", false),
            ("::ffff:10.0.0.1", false),
            ("fe80::1", false),
        ];
        for (address, answer) in table {
            assert_eq!(PeerInfo::at(address.parse().unwrap(), PeerTls::Off).loopback, answer, "{address}");
        }
    }

    #[test]
    fn settings_have_rabbitmqs_names() {
        for value in [CertificateLogin::DistinguishedName, CertificateLogin::CommonName] {
            assert_eq!(CertificateLogin::from_name(value.as_str()), Some(value));
        }
        assert_eq!(CertificateLogin::from_name("subject_alternative_name"), None);
    }
}
