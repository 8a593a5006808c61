//! TLS for the HTTP API, by the same library and with the same trust as everything else here.

use super::HttpError;
use std::path::Path;
use std::sync::Arc;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};

/// Trusts the authorities of this file, or those the operating system trusts.
pub(super) fn config(ca_file: Option<&Path>) -> Result<TlsConfig, HttpError> {
    let roots = match ca_file {
        Some(path) => from_file(path)?,
        None => {
            let native = rustls_native_certs::load_native_certs().certs;
            native.iter().map(|one| Certificate::from_der(one).to_owned()).collect()
        }
    };
    if roots.is_empty() {
        let place = ca_file.map_or("the operating system trusts none".to_owned(), |path| {
            format!("none in {}", path.display())
        });
        return Err(HttpError::Tls(format!(
            "no certificate authority ({place}); name a PEM file with --ca-file"
        )));
    }
    Ok(TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::new_with_certs(&roots))
        .build())
}

fn from_file(path: &Path) -> Result<Vec<Certificate<'static>>, HttpError> {
    let wrong =
        |error: &dyn std::fmt::Display| HttpError::Tls(format!("--ca-file {}: {error}", path.display()));
    let pem = std::fs::read(path).map_err(|error| wrong(&error))?;
    let mut roots = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item.map_err(|error| wrong(&error))? {
            roots.push(certificate);
        }
    }
    Ok(roots)
}
