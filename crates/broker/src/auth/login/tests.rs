use super::*;
use crate::auth::{
    AuthSettings, CertificateLogin, HashingAlgorithm, PeerCertificate, UserLimits, UserRecord,
};

fn auth(settings: AuthSettings) -> Auth {
    let auth = Auth::new(settings);
    for (name, password) in
        [("guest", "guest"), ("joe", "s\u{e9}cret"), ("CN=joe,O=Hare", ""), ("cn-joe", "")]
    {
        let password = PasswordHash::new(HashingAlgorithm::Sha256, password.as_bytes());
        let tags = vec![Name::from("monitoring")];
        auth.add_user(UserRecord { name: name.into(), password, tags, limits: UserLimits::default() })
            .unwrap();
    }
    auth
}

fn remote(tls: PeerTls) -> PeerInfo {
    PeerInfo::at("10.0.0.1".parse().unwrap(), tls)
}

fn certificate(common_name: Option<&str>) -> PeerTls {
    PeerTls::Verified(PeerCertificate {
        distinguished_name: "CN=joe,O=Hare".into(),
        common_name: common_name.map(Into::into),
    })
}

/// The user's name, or the code and the text for the log.
type Outcome<N = Name> = Result<N, (u16, String)>;

fn outcome(auth: &Auth, mechanism: &str, response: &[u8], peer: &PeerInfo) -> Outcome {
    match auth.authenticate(mechanism, response, peer) {
        AuthStep::Accepted(user) => Ok(user.name().clone()),
        AuthStep::Refused(refusal) => Err((refusal.code().code(), refusal.log_text().to_owned())),
    }
}

#[test]
fn passwords() {
    let auth = auth(AuthSettings::default());
    let here = PeerInfo::in_process();
    let invalid = |mechanism: &str, user: &str| {
        (403, format!("{mechanism} login refused: user '{user}' - invalid credentials"))
    };
    let table: [(&str, &[u8], Outcome<&str>); 8] = [
        ("PLAIN", b"\0guest\0guest", Ok("guest")),
        ("PLAIN", "\0joe\0s\u{e9}cret".as_bytes(), Ok("joe")),
        ("AMQPLAIN", b"\x05LOGINS\0\0\0\x05guest\x08PASSWORDS\0\0\0\x05guest", Ok("guest")),
        ("PLAIN", b"\0guest\0Guest", Err(invalid("PLAIN", "guest"))),
        ("PLAIN", b"\0nobody\0x", Err(invalid("PLAIN", "nobody"))),
        ("PLAIN", b"\0\xff\xfe\0x", Err(invalid("PLAIN", "\u{fffd}\u{fffd}"))),
        ("PLAIN", b"\0cn-joe\0x", Err(invalid("PLAIN", "cn-joe"))),
        ("AMQPLAIN", b"\x05LOGINS\0\0\0\x05guest\x08PASSWORDS\0\0\0\x01x", Err(invalid("AMQPLAIN", "guest"))),
    ];
    for (mechanism, response, expected) in table {
        assert_eq!(outcome(&auth, mechanism, response, &here), expected.map(Name::from), "{response:?}");
    }
    for user in ["guest", "cn-joe", "nobody"] {
        let (code, text) = outcome(&auth, "PLAIN", format!("\0{user}\0").as_bytes(), &here).unwrap_err();
        assert!(code == 403 && text.contains("attempted to log in with a blank password"), "{text}");
    }
}

#[test]
fn what_the_peer_is_told() {
    let auth = auth(AuthSettings::default());
    let told = |mechanism: &str, response: &[u8]| match auth.authenticate(
        mechanism,
        response,
        &PeerInfo::in_process(),
    ) {
        AuthStep::Refused(refusal) => (refusal.code().code(), refusal.close_text().map(str::to_owned)),
        AuthStep::Accepted(user) => panic!("{user:?}"),
    };
    let text = "Login was refused using authentication mechanism PLAIN. For details see the broker logfile.";
    assert_eq!(told("PLAIN", b"\0guest\0x"), (403, Some(text.into())));
    assert_eq!(told("PLAIN", b"xyz"), (502, None));
    assert_eq!(told("AMQPLAIN", b"xyz"), (502, None));
    assert_eq!(told("FOO", b""), (503, None));
}

#[test]
fn passwords_stay_out_of_the_log() {
    let auth = auth(AuthSettings::default());
    let responses: [&[u8]; 4] =
        [b"\0joe\0topsecret", b"x\0joe\0topsecret", b"topsecret", b"\0joe\0topsecret\0"];
    for response in responses {
        for mechanism in ["PLAIN", "AMQPLAIN", "EXTERNAL", "NONE"] {
            let step = auth.authenticate(mechanism, response, &PeerInfo::in_process());
            assert!(!format!("{step:?}").contains("topsecret"), "{step:?}");
        }
    }
}

#[test]
fn mechanisms_that_are_not_offered_are_refused() {
    let auth = auth(AuthSettings::default());
    let table = [
        ("EXTERNAL", "invalid authentication mechanism 'EXTERNAL'"),
        ("ANONYMOUS", "invalid authentication mechanism 'ANONYMOUS'"),
        ("plain", "unknown authentication mechanism 'plain'"),
        ("FOO", "unknown authentication mechanism 'FOO'"),
        ("a\nb", "unknown authentication mechanism 'a\\nb'"),
    ];
    for (mechanism, text) in table {
        let refused = outcome(&auth, mechanism, b"", &PeerInfo::in_process());
        assert_eq!(refused, Err((503, text.to_owned())));
    }
}

#[test]
fn loopback_users_come_from_here_only() {
    let auth = auth(AuthSettings::default());
    let away = remote(PeerTls::Off);
    let text = "PLAIN login refused: user 'guest' can only connect via localhost";
    assert_eq!(outcome(&auth, "PLAIN", b"\0guest\0guest", &away), Err((403, text.to_owned())));
    assert!(outcome(&auth, "PLAIN", "\0joe\0s\u{e9}cret".as_bytes(), &away).is_ok());
    assert!(matches!(auth.check_password("guest", b"guest", &away), Err(LoginProblem::NotLoopback(_))));
    assert!(auth.check_password("guest", b"guest", &PeerInfo::in_process()).is_ok());

    let open = self::auth(AuthSettings { loopback_users: vec![], ..AuthSettings::default() });
    assert!(outcome(&open, "PLAIN", b"\0guest\0guest", &away).is_ok());
}

#[test]
fn anonymous_is_the_configured_user() {
    let settings = AuthSettings {
        mechanisms: vec![Mechanism::Anonymous, Mechanism::Plain],
        anonymous_user: Some("guest".into()),
        ..AuthSettings::default()
    };
    let auth = auth(settings.clone());
    assert_eq!(auth.mechanisms(&PeerInfo::in_process()), "ANONYMOUS PLAIN");
    assert_eq!(
        outcome(&auth, "ANONYMOUS", b"trace@example.com", &PeerInfo::in_process()).as_deref(),
        Ok("guest")
    );
    assert!(outcome(&auth, "ANONYMOUS", b"", &remote(PeerTls::Off)).is_err(), "guest from elsewhere");

    let gone = self::auth(AuthSettings { anonymous_user: Some("nobody".into()), ..settings.clone() });
    let text = "ANONYMOUS login refused: user 'nobody' - invalid credentials";
    assert_eq!(outcome(&gone, "ANONYMOUS", b"", &PeerInfo::in_process()), Err((403, text.to_owned())));

    let unset = self::auth(AuthSettings { anonymous_user: None, ..settings });
    assert_eq!(unset.mechanisms(&PeerInfo::in_process()), "PLAIN");
}

#[test]
fn external_is_the_name_in_the_certificate() {
    let with = |certificate_login| {
        let mechanisms = vec![Mechanism::Plain, Mechanism::External];
        auth(AuthSettings { mechanisms, certificate_login, ..AuthSettings::default() })
    };
    let by_subject = with(CertificateLogin::DistinguishedName);
    let by_common_name = with(CertificateLogin::CommonName);
    assert_eq!(by_subject.mechanisms(&remote(PeerTls::Off)), "PLAIN");
    assert_eq!(by_subject.mechanisms(&remote(PeerTls::NoCertificate)), "PLAIN EXTERNAL");

    let refused = |reason: &str| Err((403, format!("EXTERNAL login refused: {reason}")));
    let unknown = "user 'other' - invalid credentials";
    let table = [
        (&by_subject, certificate(None), Ok("CN=joe,O=Hare".into())),
        (&by_common_name, certificate(Some("cn-joe")), Ok("cn-joe".into())),
        (&by_common_name, certificate(Some("other")), refused(unknown)),
        (&by_common_name, certificate(None), refused("no name found")),
        (
            &by_subject,
            PeerTls::NoCertificate,
            refused("connection peer presented no TLS (x.509) certificate"),
        ),
        (&by_subject, PeerTls::Off, Err((503, "invalid authentication mechanism 'EXTERNAL'".into()))),
    ];
    for (auth, tls, expected) in table {
        assert_eq!(outcome(auth, "EXTERNAL", b"ignored", &remote(tls.clone())), expected, "{tls:?}");
    }
}

#[test]
fn the_handle_keeps_the_tags_of_the_login() {
    let auth = auth(AuthSettings::default());
    let user = auth.check_password("guest", b"guest", &PeerInfo::in_process()).unwrap();
    auth.set_tags("guest", vec!["impersonator".into()]).unwrap();
    assert!(user.has_tag("monitoring") && !user.has_tag("impersonator"));
    let again = auth.check_password("guest", b"guest", &PeerInfo::in_process()).unwrap();
    assert!(again.has_tag("impersonator"));
}
