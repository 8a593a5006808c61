//! TLS over TCP, from options.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::BoxStream;
use crate::error::ConnectError;
use crate::options::{Identity, TlsOptions};

fn problem(what: impl std::fmt::Display, error: impl std::fmt::Display) -> ConnectError {
    ConnectError::Tls(format!("{what}: {error}"))
}

/// Does the TLS handshake.
pub(super) async fn wrap(
    tcp: TcpStream,
    host: &str,
    options: &TlsOptions,
) -> Result<BoxStream, ConnectError> {
    let config = config(options)?;
    let name = options.server_name.as_deref().unwrap_or(host);
    let name = ServerName::try_from(name.to_owned()).map_err(|error| problem(name, error))?;
    match TlsConnector::from(Arc::new(config)).connect(name, tcp).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(source) => Err(ConnectError::Unreachable { address: format!("{host} by TLS"), source }),
    }
}

fn config(options: &TlsOptions) -> Result<ClientConfig, ConnectError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| problem("versions", error))?;
    let builder = if options.danger_accept_any_certificate {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(AcceptAny(provider)))
    } else {
        builder.with_root_certificates(roots(options)?)
    };
    let mut config = match &options.identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let (chain, key) = load(identity)?;
            builder.with_client_auth_cert(chain, key).map_err(|error| problem("client certificate", error))?
        }
    };
    config.enable_sni = !options.without_server_name_indication;
    Ok(config)
}

fn roots(options: &TlsOptions) -> Result<RootCertStore, ConnectError> {
    let mut roots = RootCertStore::empty();
    let mut add = |pem: &[u8], what: &str| -> Result<(), ConnectError> {
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| problem(what, error))?;
            roots.add(certificate).map_err(|error| problem(what, error))?;
        }
        Ok(())
    };
    for path in &options.ca_files {
        let pem = std::fs::read(path).map_err(|error| problem(path.display(), error))?;
        add(&pem, &path.display().to_string())?;
    }
    for pem in &options.ca_pem {
        add(pem, "ca_pem")?;
    }
    if options.ca_files.is_empty() && options.ca_pem.is_empty() {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if roots.is_empty() {
        return Err(ConnectError::Tls("no certificate authority is trusted; set TlsOptions::ca_file".into()));
    }
    Ok(roots)
}

type Loaded = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn load(identity: &Identity) -> Result<Loaded, ConnectError> {
    let read = |path: &std::path::Path| std::fs::read(path).map_err(|error| problem(path.display(), error));
    let (certificate, key) = match identity {
        Identity::Files { certificate, key } => (read(certificate)?, read(key)?),
        Identity::Pem { certificate, key } => (certificate.clone(), key.clone()),
    };
    let chain = CertificateDer::pem_slice_iter(&certificate)
        .collect::<Result<_, _>>()
        .map_err(|error| problem("client certificate", error))?;
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|error| problem("client key", error))?;
    Ok((chain, key))
}

/// For `danger_accept_any_certificate`: no identity is checked, signatures still are.
#[derive(Debug)]
struct AcceptAny(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
