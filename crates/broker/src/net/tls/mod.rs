//! TLS on a listener: certificates from PEM files, optional client certificates, and new certificates without a
//! restart.
//!
//! No protocol is offered by ALPN: AMQP has none registered, and clients that send a list must not be refused.

mod error;
mod info;
mod pem;
mod subject;

use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::RwLock;
use rustls::pki_types::CertificateDer;
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig, ServerConnection, SupportedProtocolVersion};
use tokio_rustls::TlsAcceptor;

pub use error::TlsError;
pub(crate) use info::of as info;
pub use info::{CertificateInfo, TlsInfo};

use crate::auth::PeerTls;

/// Newest first.
static BOTH_VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];

/// What a TLS listener is configured with. All files are PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// The broker's certificate, followed by those between it and the authority that clients trust.
    pub certificates: PathBuf,
    /// Its private key, not encrypted.
    pub key: PathBuf,
    /// Whether and how clients prove who they are; `None` asks for no certificate.
    pub client: Option<ClientCertificates>,
    /// The oldest version accepted.
    pub version_min: TlsVersion,
}

/// Certificates of clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificates {
    /// Certificates of the authorities that may have signed them.
    pub authorities: PathBuf,
    /// Whether a client without one is refused (RabbitMQ's `fail_if_no_peer_cert`). One that is not signed by the
    /// authorities is always refused.
    pub required: bool,
}

/// A version of TLS. Older ones are broken and not available.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum TlsVersion {
    /// TLS 1.2, for old clients.
    #[default]
    V1_2,
    /// TLS 1.3.
    V1_3,
}

impl TlsVersion {
    /// Reads a setting: `1.2`, `1.3`, or RabbitMQ's `tlsv1.2` and `tlsv1.3`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name.strip_prefix("tlsv").unwrap_or(name) {
            "1.2" => Some(Self::V1_2),
            "1.3" => Some(Self::V1_3),
            _ => None,
        }
    }

    fn and_newer(self) -> &'static [&'static SupportedProtocolVersion] {
        match self {
            Self::V1_2 => &BOTH_VERSIONS,
            Self::V1_3 => &BOTH_VERSIONS[..1],
        }
    }
}

/// A listener's TLS set-up, whose certificates can be exchanged while it runs.
#[derive(Debug)]
pub struct Tls {
    settings: TlsSettings,
    current: RwLock<Current>,
}

#[derive(Debug)]
struct Current {
    config: Arc<ServerConfig>,
    /// When the first certificate of the chain ends, in seconds since 1970.
    ends_unix_s: Option<u64>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// A file cannot be read or does not hold what it should; the error says which and what to do.
    pub fn load(settings: TlsSettings) -> Result<Self, TlsError> {
        let current = RwLock::new(read(&settings)?);
        Ok(Self { settings, current })
    }

    /// Reads the files again. New connections get the new certificates, those that are open keep theirs.
    ///
    /// # Errors
    /// As for [`load`](Self::load); the certificates in use stay.
    pub fn reload(&self) -> Result<(), TlsError> {
        let fresh = read(&self.settings)?;
        *self.current.write() = fresh;
        Ok(())
    }

    /// When the certificate that new connections get ends, or the first of those it depends on, in seconds since 1970.
    pub fn ends_unix_s(&self) -> Option<u64> {
        self.current.read().ends_unix_s
    }

    /// What turns an accepted socket into a TLS stream, with the certificates of this moment. To be asked for every
    /// connection anew; this costs two reference counts.
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.current.read().config))
    }
}

/// Who is at the other end of an established TLS connection, for [`PeerInfo`](crate::auth::PeerInfo). The certificate
/// has been verified by then; one whose subject cannot be read counts as none.
pub fn peer(connection: &ServerConnection) -> PeerTls {
    let certificate = connection.peer_certificates().and_then(|chain| chain.first());
    match certificate.and_then(|certificate| subject::of(certificate)) {
        Some(names) => PeerTls::Verified(names),
        None => PeerTls::NoCertificate,
    }
}

fn read(settings: &TlsSettings) -> Result<Current, TlsError> {
    let certificates = pem::certificates(&settings.certificates)?;
    let ends_unix_s = certificates.iter().filter_map(|certificate| info::ends_unix_s(certificate)).min();
    Ok(Current { config: Arc::new(server_config(settings, certificates)?), ends_unix_s })
}

fn server_config(
    settings: &TlsSettings,
    certificates: Vec<CertificateDer<'static>>,
) -> Result<ServerConfig, TlsError> {
    let key = pem::private_key(&settings.key)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(settings.version_min.and_newer())
        .map_err(TlsError::Unusable)?;
    let builder = match &settings.client {
        None => builder.with_no_client_auth(),
        Some(client) => {
            let mut roots = RootCertStore::empty();
            for authority in pem::certificates(&client.authorities)? {
                roots
                    .add(authority)
                    .map_err(|source| TlsError::BadAuthority { path: client.authorities.clone(), source })?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
            let verifier = if client.required { verifier } else { verifier.allow_unauthenticated() };
            builder.with_client_cert_verifier(verifier.build().map_err(TlsError::Verifier)?)
        }
    };
    builder.with_single_cert(certificates, key).map_err(|source| match source {
        rustls::Error::InconsistentKeys(_) => {
            TlsError::KeyMismatch { certificates: settings.certificates.clone(), key: settings.key.clone() }
        }
        rustls::Error::InvalidCertificate(_) => {
            TlsError::BadCertificate { path: settings.certificates.clone(), source }
        }
        other => TlsError::BadKey { path: settings.key.clone(), source: other },
    })
}

#[cfg(test)]
mod tests;
