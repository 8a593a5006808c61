//! What TLS needs to know. Files are read when the connection is made, again for every attempt: renewed certificates are picked up.

use std::fmt;
use std::path::PathBuf;

/// How to speak TLS. The default trusts what the operating system trusts and checks the broker's name.
///
/// ```
/// use leveret_client::options::TlsOptions;
///
/// let tls = TlsOptions::new().ca_file("/etc/mq/ca.pem").client_files("/etc/mq/me.pem", "/etc/mq/me.key");
/// assert!(!tls.danger_accept_any_certificate);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsOptions {
    /// PEM files of certificate authorities. With one of these or of `ca_pem`, the operating system's are not trusted.
    pub ca_files: Vec<PathBuf>,
    /// Certificate authorities as PEM.
    pub ca_pem: Vec<Vec<u8>>,
    /// The client's own certificate, for brokers that ask for one and for EXTERNAL. Default: none.
    pub identity: Option<Identity>,
    /// The name expected in the broker's certificate. Default: the host of the address.
    pub server_name: Option<String>,
    /// Does not tell the broker the name (server name indication). The certificate is checked all the same.
    pub without_server_name_indication: bool,
    /// **Accepts every certificate, so anybody between you and the broker can read and change everything.** For experiments.
    pub danger_accept_any_certificate: bool,
}

/// A certificate with its private key. `Debug` does not show the key.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Identity {
    /// Paths of PEM files.
    Files {
        /// The certificate, its issuers after it.
        certificate: PathBuf,
        /// The private key, unencrypted.
        key: PathBuf,
    },
    /// PEM.
    Pem {
        /// The certificate, its issuers after it.
        certificate: Vec<u8>,
        /// The private key, unencrypted.
        key: Vec<u8>,
    },
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files { certificate, key } => {
                f.debug_struct("Files").field("certificate", certificate).field("key", key).finish()
            }
            Self::Pem { .. } => f.debug_struct("Pem").finish_non_exhaustive(),
        }
    }
}

impl TlsOptions {
    /// The default.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one to [`TlsOptions::ca_files`].
    #[must_use]
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_files.push(path.into());
        self
    }

    /// Adds one to [`TlsOptions::ca_pem`].
    #[must_use]
    pub fn ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca_pem.push(pem.into());
        self
    }

    /// Sets [`TlsOptions::identity`] to files.
    #[must_use]
    pub fn client_files(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.identity = Some(Identity::Files { certificate: certificate.into(), key: key.into() });
        self
    }

    /// Sets [`TlsOptions::identity`] to PEM.
    #[must_use]
    pub fn client_pem(mut self, certificate: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.identity = Some(Identity::Pem { certificate: certificate.into(), key: key.into() });
        self
    }

    /// Sets [`TlsOptions::server_name`].
    #[must_use]
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// Sets [`TlsOptions::without_server_name_indication`].
    #[must_use]
    pub fn without_server_name_indication(mut self) -> Self {
        self.without_server_name_indication = true;
        self
    }

    /// Sets [`TlsOptions::danger_accept_any_certificate`].
    #[must_use]
    pub fn danger_accept_any_certificate(mut self) -> Self {
        self.danger_accept_any_certificate = true;
        self
    }
}
