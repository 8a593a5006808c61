//! What can be wrong with TLS files, in words that say what to do.

use std::io;
use std::path::PathBuf;

use rustls::pki_types::pem;
use rustls::server::VerifierBuilderError;

/// The TLS set-up cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("TLS: cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not PEM at all.
    #[error(
        "TLS: {} is not a PEM file: it has no line that starts with '-----BEGIN'. If it is DER, convert it with \
         'openssl x509 -inform der' (certificate) or 'openssl pkey -inform der' (key)",
        path.display()
    )]
    NotPem {
        /// The file.
        path: PathBuf,
    },
    /// A PEM file is damaged.
    #[error("TLS: {} is damaged: {source}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where parsing failed.
        source: pem::Error,
    },
    /// A PEM file holds something else than it should.
    #[error("TLS: {} should hold a {wanted}, but holds {found}", path.display())]
    WrongKind {
        /// The file.
        path: PathBuf,
        /// What is looked for.
        wanted: &'static str,
        /// What there is, in PEM's words.
        found: String,
    },
    /// The key is protected by a pass phrase.
    #[error(
        "TLS: the private key in {0} is encrypted. Decrypt it with 'openssl pkey -in {0} -out key.pem' and protect the \
         result with file permissions",
        path.display()
    )]
    EncryptedKey {
        /// The file.
        path: PathBuf,
    },
    /// The key is of a kind that cannot be used.
    #[error("TLS: the private key in {} cannot be used: {source}", path.display())]
    BadKey {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// The certificate is malformed.
    #[error("TLS: the certificate in {} cannot be used: {source}", path.display())]
    BadCertificate {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// The key belongs to another certificate.
    #[error(
        "TLS: the private key in {} does not belong to the certificate in {}. The broker's own certificate has to come \
         first in that file",
        key.display(),
        certificates.display()
    )]
    KeyMismatch {
        /// The file with the certificates.
        certificates: PathBuf,
        /// The file with the key.
        key: PathBuf,
    },
    /// A certificate of the clients' authorities is malformed.
    #[error("TLS: a certificate authority in {} cannot be used: {source}", path.display())]
    BadAuthority {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// The authorities cannot be used to check clients.
    #[error("TLS: clients' certificates cannot be checked: {0}")]
    Verifier(VerifierBuilderError),
    /// The versions and ciphers do not fit together.
    #[error("TLS: {0}")]
    Unusable(rustls::Error),
}
