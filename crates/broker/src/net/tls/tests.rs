use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsConnector;

use super::*;
use crate::auth::{
    Auth, AuthSettings, AuthStep, CertificateLogin, Mechanism, PasswordHash, PeerCertificate, PeerInfo,
    UserLimits, UserRecord,
};

/// An authority that signs certificates.
struct Authority {
    pem: String,
    der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

struct Signed {
    pem: String,
    der: CertificateDer<'static>,
    key: KeyPair,
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let certificate = params.self_signed(&key).unwrap();
        let (pem, der) = (certificate.pem(), certificate.der().clone());
        Self { pem, der, issuer: Issuer::new(params, key) }
    }

    fn sign(&self, common_name: &str) -> Signed {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, "Hare, Ltd.");
        params.distinguished_name.push(DnType::CommonName, common_name);
        if common_name == "renewed" {
            params.not_after = rcgen::date_time_ymd(2050, 1, 1);
        }
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Signed { pem: certificate.pem(), der: certificate.der().clone(), key }
    }
}

/// A folder with the files of a listener.
struct Files {
    folder: tempfile::TempDir,
    authority: Authority,
}

impl Files {
    fn new() -> Self {
        let files =
            Self { folder: tempfile::tempdir().unwrap(), authority: Authority::new("Hare authority") };
        files.write("ca.pem", &files.authority.pem);
        files.renew("broker");
        files
    }

    fn renew(&self, common_name: &str) {
        let broker = self.authority.sign(common_name);
        self.write("broker.pem", &broker.pem);
        self.write("broker.key", &broker.key.serialize_pem());
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `required`: whether clients must, may (`Some(false)`) or cannot show a certificate.
    fn settings(&self, required: Option<bool>) -> TlsSettings {
        TlsSettings {
            certificates: self.path("broker.pem"),
            key: self.path("broker.key"),
            client: required
                .map(|required| ClientCertificates { authorities: self.path("ca.pem"), required }),
            version_min: TlsVersion::V1_2,
        }
    }

    fn load(&self, required: Option<bool>) -> Tls {
        Tls::load(self.settings(required)).unwrap()
    }

    fn client(&self, certificate: Option<&Signed>) -> ClientConfig {
        client(&self.authority.der, certificate, TlsVersion::V1_2.and_newer())
    }
}

fn client(
    trusted: &CertificateDer<'static>,
    certificate: Option<&Signed>,
    versions: &[&'static SupportedProtocolVersion],
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots);
    match certificate {
        None => builder.with_no_client_auth(),
        Some(signed) => {
            let key = PrivateKeyDer::Pkcs8(signed.key.serialize_der().into());
            builder.with_client_auth_cert(vec![signed.der.clone()], key).unwrap()
        }
    }
}

/// Both ends in memory: what the broker learns of the peer, and the subject of the certificate the client was shown.
async fn handshake(tls: &Tls, client: ClientConfig) -> Result<(PeerTls, String), String> {
    let (near, far) = tokio::io::duplex(16 * 1024);
    let connector = TlsConnector::from(Arc::new(client));
    let client_side = async move {
        let mut stream = connector.connect(ServerName::try_from("localhost").unwrap(), far).await?;
        let shown = stream.get_ref().1.peer_certificates().and_then(|chain| subject::of(&chain[0])).unwrap();
        // With TLS 1.3 a client learns that its certificate was refused only when it reads.
        stream.write_all(b"ping").await?;
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).await?;
        Ok::<_, std::io::Error>((shown.common_name.unwrap(), answer))
    };
    let broker_side = async move {
        let mut stream = tls.acceptor().accept(near).await?;
        let mut question = [0; 4];
        stream.read_exact(&mut question).await?;
        stream.write_all(&question).await?;
        stream.flush().await?;
        Ok::<_, std::io::Error>(peer(stream.get_ref().1))
    };
    let (broker, client) = tokio::join!(broker_side, client_side);
    let learnt = broker.map_err(|error| format!("broker: {error}"))?;
    let (shown, answer) = client.map_err(|error| format!("client: {error}"))?;
    assert_eq!(&answer, b"ping");
    Ok((learnt, shown))
}

fn verified(common_name: &str) -> PeerTls {
    PeerTls::Verified(PeerCertificate {
        distinguished_name: format!("CN={common_name},O=Hare\\, Ltd."),
        common_name: Some(common_name.into()),
    })
}

#[tokio::test]
async fn client_certificates_off_optional_and_required() {
    let files = Files::new();
    let joe = files.authority.sign("joe");
    let stranger = Authority::new("Hare authority").sign("joe");
    // (required, certificate, what the broker learns or why it refuses)
    let table = [
        (None, None, Ok(PeerTls::NoCertificate)),
        (None, Some(&joe), Ok(PeerTls::NoCertificate)),
        (Some(false), None, Ok(PeerTls::NoCertificate)),
        (Some(false), Some(&joe), Ok(verified("joe"))),
        (Some(false), Some(&stranger), Err("invalid peer certificate")),
        (Some(true), None, Err("peer sent no certificates")),
        (Some(true), Some(&joe), Ok(verified("joe"))),
        (Some(true), Some(&stranger), Err("invalid peer certificate")),
    ];
    for (required, certificate, expected) in table {
        let outcome = handshake(&files.load(required), files.client(certificate)).await;
        match expected {
            Ok(learnt) => assert_eq!(outcome, Ok((learnt, "broker".into())), "{required:?}"),
            Err(reason) => {
                let error = outcome.unwrap_err();
                assert!(error.starts_with("broker: ") && error.contains(reason), "{required:?}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn a_certificate_is_enough_to_log_in() {
    let files = Files::new();
    let joe = files.authority.sign("joe");
    let (tls, _) = handshake(&files.load(Some(true)), files.client(Some(&joe))).await.unwrap();
    let auth = Auth::new(AuthSettings {
        mechanisms: vec![Mechanism::External],
        certificate_login: CertificateLogin::CommonName,
        ..AuthSettings::default()
    });
    let peer = PeerInfo::at("10.0.0.1".parse().unwrap(), tls);
    let log_in = || auth.authenticate("EXTERNAL", b"", &peer);
    assert!(matches!(log_in(), AuthStep::Refused(_)), "not a user yet");
    let (name, password, limits) = ("joe".into(), PasswordHash::none(), UserLimits::default());
    auth.add_user(UserRecord { name, password, tags: vec![], limits }).unwrap();
    assert!(matches!(log_in(), AuthStep::Accepted(user) if &**user.name() == "joe"));
}

#[tokio::test]
async fn the_oldest_version_is_a_setting() {
    let files = Files::new();
    let new_only = Tls::load(TlsSettings { version_min: TlsVersion::V1_3, ..files.settings(None) }).unwrap();
    let old_client = || client(&files.authority.der, None, &[&TLS12]);
    handshake(&files.load(None), old_client()).await.unwrap();
    let error = handshake(&new_only, old_client()).await.unwrap_err();
    assert!(error.starts_with("broker: "), "{error}");
    handshake(&new_only, files.client(None)).await.unwrap();
}

#[tokio::test]
async fn reloading_takes_new_certificates_and_keeps_good_ones() {
    let files = Files::new();
    let tls = files.load(Some(false));
    files.renew("renewed");
    assert_eq!(handshake(&tls, files.client(None)).await.unwrap().1, "broker");
    assert_ne!(tls.ends_unix_s(), Some(2_524_608_000));
    tls.reload().unwrap();
    assert_eq!(tls.ends_unix_s(), Some(2_524_608_000), "the start of 2050");
    assert_eq!(handshake(&tls, files.client(None)).await.unwrap().1, "renewed");
    files.write("broker.key", "rubbish");
    tls.reload().unwrap_err();
    assert_eq!(handshake(&tls, files.client(None)).await.unwrap().1, "renewed");
}

#[test]
fn errors_name_the_file_and_the_fault() {
    let files = Files::new();
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let cut = "-----BEGIN CERTIFICATE-----\nAAAA\n";
    let nonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let bad_key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let other_key = files.authority.sign("other").key.serialize_pem();
    let read = |name: &str| std::fs::read_to_string(files.path(name)).unwrap();
    let (certificate, key) = (read("broker.pem"), read("broker.key"));
    // (file, new content or none, words of the error)
    let table: [(&str, Option<&str>, &[&str]); 12] = [
        ("broker.pem", None, &["cannot read", "No such file"]),
        ("broker.key", None, &["cannot read", "No such file"]),
        ("ca.pem", None, &["cannot read", "No such file"]),
        ("broker.pem", Some("\u{1}\u{2}"), &["is not a PEM file", "openssl x509"]),
        ("broker.pem", Some(&key), &["should hold a certificate, but holds PRIVATE KEY"]),
        ("broker.pem", Some(cut), &["is damaged"]),
        ("broker.pem", Some(nonsense), &["certificate", "cannot be used"]),
        ("broker.key", Some(&certificate), &["should hold a private key, but holds CERTIFICATE"]),
        ("broker.key", Some(encrypted), &["is encrypted", "openssl pkey -in"]),
        ("broker.key", Some(bad_key), &["private key", "cannot be used"]),
        ("broker.key", Some(&other_key), &["does not belong to the certificate in", "broker.pem"]),
        ("ca.pem", Some(nonsense), &["certificate authority", "cannot be used"]),
    ];
    for (name, content, words) in table {
        let path = files.path(name);
        let good = read(name);
        match content {
            Some(content) => files.write(name, content),
            None => std::fs::remove_file(&path).unwrap(),
        }
        let error = Tls::load(files.settings(Some(true))).map(drop).unwrap_err().to_string();
        let file = Path::new(name).to_str().unwrap();
        assert!(words.iter().chain([&file]).all(|word| error.contains(word)), "{name}: {error}");
        files.write(name, &good);
    }
    files.load(Some(true));
}

#[test]
fn versions_have_rabbitmqs_names_too() {
    let table =
        [("1.2", Some(TlsVersion::V1_2)), ("tlsv1.3", Some(TlsVersion::V1_3)), ("tlsv1.1", None), ("", None)];
    for (name, version) in table {
        assert_eq!(TlsVersion::from_name(name), version);
    }
}
