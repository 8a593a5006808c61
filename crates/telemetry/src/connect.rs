//! A stream to the collector: TCP, and TLS over it if its address says so.

use crate::settings::{Protocol, Settings};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, InvalidDnsNameError, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A collector that cannot be spoken to as the settings want.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// A file of certificates.
    #[error("certificates of authorities: {path}: {problem}")]
    Certificates {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The collector's name.
    #[error("{0} is no name that a certificate can be for")]
    Name(String),
    /// A header.
    #[error("a header that HTTP does not allow: '{0}'")]
    Header(String),
    /// TLS.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// Bytes to and from a collector.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// See the module's documentation.
#[derive(Clone)]
pub(crate) struct Connector {
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    timeout: Duration,
}

impl Connector {
    pub(crate) fn new(settings: &Settings) -> Result<Self, SetupError> {
        let endpoint = &settings.endpoint;
        let host = endpoint.host.clone();
        let tls = if endpoint.is_tls {
            let name = ServerName::try_from(host.clone())
                .map_err(|_: InvalidDnsNameError| SetupError::Name(host.clone()))?;
            Some((TlsConnector::from(Arc::new(tls(settings)?)), name))
        } else {
            None
        };
        Ok(Self { host, port: endpoint.port_for(settings.protocol), tls, timeout: settings.timeout })
    }

    pub(crate) async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        let connecting = async {
            let tcp = TcpStream::connect((&*self.host, self.port)).await?;
            tcp.set_nodelay(true)?;
            Ok::<Box<dyn Stream>, io::Error>(match &self.tls {
                None => Box::new(tcp),
                Some((tls, name)) => Box::new(tls.connect(name.clone(), tcp).await?),
            })
        };
        tokio::time::timeout(self.timeout, connecting)
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

fn tls(settings: &Settings) -> Result<ClientConfig, SetupError> {
    let mut roots = RootCertStore::empty();
    match &settings.authorities {
        Some(path) => {
            let wrong = |problem: String| SetupError::Certificates { path: path.clone(), problem };
            let certificates =
                CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
                roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(wrong("there is no certificate in it".into()));
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![match settings.protocol {
        Protocol::Grpc => b"h2".to_vec(),
        Protocol::Http => b"http/1.1".to_vec(),
    }];
    Ok(config)
}
