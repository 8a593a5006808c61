//! Ways to a broker: several addresses, virtual hosts, logins, TLS; and what is said when there is none.

use std::time::Duration;

use leveret_client::options::{Mechanism, TlsOptions};
use leveret_client::{AmqpUri, ConnectError, Connection, ConnectionState};
use tokio::time::timeout;

use crate::support::{SOON, Target, exclusive};

#[tokio::test]
async fn the_next_address_is_tried_when_one_refuses_or_is_lost() {
    let target = Target::start().await;
    let (first, second) = (target.relay().await, target.relay().await);
    let there = first.options().addresses.into_iter().chain(second.options().addresses);
    let options = first.options().addresses(there);
    first.refuse(true);
    let connection = Connection::connect(options).await.unwrap();
    assert_eq!((first.opened(), second.opened()), (0, 1));
    connection.channel().await.unwrap().queue_declare(&target.fresh("q"), exclusive()).await.unwrap();
    first.refuse(false);
    second.refuse(true);
    second.cut_and_wait(&connection).await;
    assert_eq!((first.opened(), second.opened()), (1, 1));
    connection.channel().await.unwrap();
}

#[tokio::test]
async fn a_broker_that_is_away_for_a_while_is_found_again() {
    let target = Target::start().await;
    let relay = target.relay().await;
    let connection = relay.connect().await;
    relay.refuse(true);
    relay.cut();
    let mut states = connection.watch();
    let third = |state: &ConnectionState| matches!(state, ConnectionState::Recovering { attempt: 3.., .. });
    timeout(SOON, states.wait_for(third)).await.unwrap().unwrap();
    relay.refuse(false);
    let back = |state: &ConnectionState| matches!(state, ConnectionState::Connected);
    timeout(SOON, states.wait_for(back)).await.unwrap().unwrap();
    connection.channel().await.unwrap();
    // And one that is being closed while there is none does not wait for it.
    relay.refuse(true);
    relay.cut();
    timeout(SOON, states.wait_for(third)).await.unwrap().unwrap();
    timeout(SOON / 2, connection.close(SOON)).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_wrong_password_or_virtual_host_is_refused_at_once() {
    let target = Target::start().await;
    let wrong = target.options().credentials("guest", "wrong");
    let error = timeout(SOON, Connection::connect(wrong)).await.unwrap().unwrap_err();
    assert!(
        matches!(&error, ConnectError::Refused { code: 403, text } if text.contains("ACCESS_REFUSED")),
        "{error}"
    );
    assert!(!error.is_transient());
    let absent = target.options().vhost("no such vhost");
    let error = timeout(SOON, Connection::connect(absent)).await.unwrap().unwrap_err();
    assert!(matches!(&error, ConnectError::Refused { code: 530, .. }), "{error}");
    // The default one, in each spelling.
    let options = target.options();
    let scheme = if options.tls.is_some() { "amqps" } else { "amqp" };
    for vhost in ["", "/", "/%2f", "/%2F"] {
        let uri: AmqpUri = format!("{scheme}://guest:guest@{}{vhost}", options.addresses[0]).parse().unwrap();
        let mut spelt = leveret_client::ConnectOptions::from_uri(&uri).unwrap();
        spelt.tls = options.tls.clone();
        Connection::connect(spelt).await.unwrap().close(SOON).await.unwrap();
    }
    Connection::connect(target.options().mechanisms([Mechanism::AmqPlain])).await.unwrap();
}

#[tokio::test]
async fn a_certificate_is_believed_only_from_the_authority_and_for_the_name() {
    let target = Target::start().await;
    let Some(tls) = target.options().tls else {
        // Over plain TCP there is nobody who would shake hands.
        let mut options = target.options().tls(TlsOptions::new().ca_pem(OTHER_AUTHORITY));
        options.recovery.enabled = false;
        let error = timeout(SOON, Connection::connect(options)).await.unwrap().unwrap_err();
        assert!(matches!(error, ConnectError::Unreachable { .. } | ConnectError::Timeout(_)), "{error:?}");
        return;
    };
    let wrong_name = tls.clone().server_name("mq.example");
    let mut wrong_authority = tls.ca_pem(OTHER_AUTHORITY);
    wrong_authority.ca_files.clear();
    for (wrong, said) in [(wrong_name, "not valid for name"), (wrong_authority, "UnknownIssuer")] {
        let mut options = target.options().tls(wrong);
        options.recovery.enabled = false;
        let error = timeout(SOON, Connection::connect(options)).await.unwrap().unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
}

/// Where `LEVERET_CLIENT_TLS` says: a certificate that is a login.
#[tokio::test]
async fn a_client_certificate_is_a_login() {
    let target = Target::start().await;
    let (Some(tls), Some(folder)) = (target.options().tls, std::env::var_os("LEVERET_CLIENT_TLS")) else {
        // Without TLS a broker does not offer it, and that is said.
        let error =
            Connection::connect(target.options().mechanisms([Mechanism::External])).await.unwrap_err();
        assert!(
            matches!(&error, ConnectError::Mechanism { offered } if offered.contains("PLAIN")),
            "{error}"
        );
        return;
    };
    let folder = std::path::PathBuf::from(folder);
    let tls = tls.client_files(folder.join("client.pem"), folder.join("client.key"));
    let options = target.options().tls(tls).credentials("nobody", "").mechanisms([Mechanism::External]);
    let connection = Connection::connect(options).await.unwrap();
    connection.channel().await.unwrap().queue_declare("", exclusive()).await.unwrap();
}

#[tokio::test]
async fn a_secret_is_replaced_and_a_connection_has_its_name() {
    let target = Target::start().await;
    let options = target.options().name("client test").client_property("team", "hares");
    let connection = Connection::connect(options.heartbeat(Duration::from_secs(1))).await.unwrap();
    connection.update_secret(b"guest", "tokens expire").await.unwrap();
    // Longer than two heartbeats: neither side takes the other for dead.
    let mut states = connection.watch();
    states.mark_unchanged();
    assert!(
        timeout(Duration::from_millis(2500), states.changed()).await.is_err(),
        "{:?}",
        connection.state()
    );
    connection.channel().await.unwrap().queue_declare("", exclusive()).await.unwrap();
}

/// A certificate of nobody's: P-256, made for this test.
const OTHER_AUTHORITY: &str = include_str!("support/other-authority.pem");
