//! Certificates and keys from PEM files (RFC 7468).

use std::path::Path;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::TlsError;

/// All certificates in a file, in order; at least one.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = read(path)?;
    let certificates = CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>();
    let certificates = certificates.map_err(|source| TlsError::Damaged { path: path.into(), source })?;
    match certificates.is_empty() {
        true => Err(TlsError::WrongKind { path: path.into(), wanted: "certificate", found: kinds(&bytes) }),
        false => Ok(certificates),
    }
}

/// The first private key in a file: PKCS#8, PKCS#1 or SEC1.
pub(super) fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let bytes = read(path)?;
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|source| match source {
        pem::Error::NoItemsFound if kinds(&bytes).contains("ENCRYPTED") => {
            TlsError::EncryptedKey { path: path.into() }
        }
        pem::Error::NoItemsFound => {
            TlsError::WrongKind { path: path.into(), wanted: "private key", found: kinds(&bytes) }
        }
        source => TlsError::Damaged { path: path.into(), source },
    })
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let bytes = std::fs::read(path).map_err(|source| TlsError::Unreadable { path: path.into(), source })?;
    let is_pem = labels(&bytes).next().is_some();
    if is_pem { Ok(bytes) } else { Err(TlsError::NotPem { path: path.into() }) }
}

/// What the sections of a file are called.
fn labels(bytes: &[u8]) -> impl Iterator<Item = &str> {
    let lines = bytes.split(|&byte| matches!(byte, b'\n' | b'\r'));
    lines.filter_map(|line| {
        std::str::from_utf8(line).ok()?.trim().strip_prefix("-----BEGIN ")?.strip_suffix("-----")
    })
}

fn kinds(bytes: &[u8]) -> String {
    let mut kinds: Vec<_> = labels(bytes).collect();
    kinds.dedup();
    kinds.join(", ")
}
