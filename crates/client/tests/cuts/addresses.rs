//! Several brokers, of which some are not there: all are tried, each has its time, and the error names each.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use leveret_client::options::RecoveryOptions;
use leveret_client::pool::{PoolError, PoolOptions, Pools, PoolsOptions};
use leveret_client::{Address, ConnectError, ConnectOptions, Connection, ConnectionState, Connector};

use crate::support::peer::{Peer, Peers};
use crate::support::{ms, options, s, within};

type Asked = Arc<Mutex<Vec<u16>>>;

/// Brokers 1, 2, ... of which these listen; and what was asked, in order.
fn brokers(listen: &'static [u16]) -> (Connector, Peers, Asked) {
    let asked = Asked::default();
    let log = asked.clone();
    let (connector, peers) = Peers::at(move |address| {
        log.lock().unwrap().push(address.port);
        listen.contains(&address.port)
    });
    (connector, peers, asked)
}

fn of(count: u16) -> ConnectOptions {
    options().addresses((1..=count).map(|port| Address::new("mq", port)))
}

fn once(count: u16) -> ConnectOptions {
    of(count).recovery(RecoveryOptions::off())
}

/// The first was the only one that was tried.
#[tokio::test(start_paused = true)]
async fn without_recovery_all_addresses_are_tried_once_in_their_order() {
    let (connector, mut peers, asked) = brokers(&[2, 3]);
    let connecting = tokio::spawn(Connection::connect_over(connector, once(4)));
    let silent = peers.accept().await;
    let (mut third, took) = within(s(4), peers.accept()).await;
    assert_eq!(took, s(3), "the second has its time");
    let ((), connected) = tokio::join!(third.shake(usize::MAX, 0), connecting);
    let connection = connected.unwrap().unwrap();
    assert_eq!(*asked.lock().unwrap(), [1, 2, 3]);
    // And what is lost stays lost.
    drop((third, silent));
    let mut states = connection.watch();
    let closed = states.wait_for(|state| matches!(state, ConnectionState::Closed { .. }));
    within(s(1), closed).await.0.unwrap();
    assert_eq!(*asked.lock().unwrap(), [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn the_error_names_every_address_and_why_it_failed() {
    let (connector, mut peers, asked) = brokers(&[2, 3]);
    let connecting = tokio::spawn(Connection::connect_over(connector, once(3)));
    let _silent = peers.accept().await;
    drop(peers.accept().await);
    let (result, took) = within(s(4), connecting).await;
    let error = result.unwrap().unwrap_err();
    let ConnectError::NoBroker { tried } = &error else { panic!("{error:?}") };
    let addresses: Vec<_> = tried.iter().map(|tried| tried.address.as_str()).collect();
    assert_eq!((addresses, took), (vec!["mq:1", "mq:2", "mq:3"], Duration::ZERO), "{error}");
    assert!(matches!(tried[0].error, ConnectError::Unreachable { .. }), "{error}");
    assert!(matches!(tried[1].error, ConnectError::Timeout(after) if after == s(3)), "{error}");
    assert!(matches!(tried[2].error, ConnectError::Handshake(_)), "{error}");
    for said in ["mq:1: connection refused", "mq:2: not connected within 3s", "mq:3: handshake failed"] {
        assert!(error.to_string().contains(said), "{error}");
    }
    assert!(error.is_transient());
    assert_eq!(*asked.lock().unwrap(), [1, 2, 3]);

    // One is told as what it is.
    let (connector, _peers, _) = brokers(&[]);
    let error = Connection::connect_over(connector, once(1)).await.unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error}");
}

async fn refuse(mut peer: Peer) {
    peer.shake(1, 0).await;
    peer.close_connection(403).await;
    peer.serve().await;
}

/// The password is as wrong elsewhere.
#[tokio::test(start_paused = true)]
async fn a_refused_login_is_final_and_what_failed_before_is_named() {
    for options in [once(3), of(3)] {
        let (connector, mut peers, asked) = brokers(&[2, 3]);
        let connecting = tokio::spawn(Connection::connect_over(connector, options));
        let second = tokio::spawn(refuse(peers.accept().await));
        let error = within(s(1), connecting).await.0.unwrap().unwrap_err();
        assert!(matches!(&error, ConnectError::NoBroker { tried } if tried.len() == 2), "{error}");
        assert!(matches!(error.decisive(), ConnectError::Refused { code: 403, .. }), "{error}");
        assert!(!error.is_transient());
        assert_eq!(*asked.lock().unwrap(), [1, 2]);
        second.await.unwrap();
    }
}

/// Three deadlines were over after the third address, and the others were never tried.
#[tokio::test(start_paused = true)]
async fn with_recovery_every_address_is_tried_before_it_is_given_up() {
    let (connector, mut peers, asked) = brokers(&[1, 2, 3, 4, 5]);
    let connecting = tokio::spawn(Connection::connect_over(connector, of(5)));
    let mut silent = Vec::new();
    for _ in 0..4 {
        silent.push(peers.accept().await);
    }
    let (_fifth, connected) = tokio::join!(peers.open(), connecting);
    connected.unwrap().unwrap();
    assert_eq!(*asked.lock().unwrap(), [1, 2, 3, 4, 5]);

    let (connector, _peers, asked) = brokers(&[1, 2, 3, 4, 5]);
    let (result, took) = within(s(20), Connection::connect_over(connector, of(5))).await;
    let error = result.unwrap_err();
    assert!(matches!(&error, ConnectError::NoBroker { tried } if tried.len() == 5), "{error}");
    assert_eq!((took, asked.lock().unwrap().clone()), (s(15) + ms(400), vec![1, 2, 3, 4, 5]));
}

#[tokio::test(start_paused = true)]
async fn a_bound_of_the_whole_holds_and_what_was_under_way_is_named() {
    for recovery in [RecoveryOptions::default(), RecoveryOptions::off()] {
        let (connector, _peers, asked) = brokers(&[1, 2, 3]);
        let connecting = Connection::connect_over(connector, of(3).recovery(recovery.time_max(s(4))));
        let (result, took) = within(s(5), connecting).await;
        let error = result.unwrap_err();
        assert!(matches!(&error, ConnectError::NoBroker { tried } if tried.len() == 2), "{error}");
        assert!(error.to_string().contains("mq:2: not connected within 4s"), "{error}");
        assert_eq!((took, asked.lock().unwrap().clone()), (s(4), vec![1, 2]));
    }
}

/// Every borrower began with the first address, which takes longer than a borrower waits: the second was never tried.
#[tokio::test(start_paused = true)]
async fn a_pool_comes_to_the_second_address_though_no_borrower_waits_so_long() {
    for connect in [once(2), of(2)] {
        let (connector, mut peers, asked) = brokers(&[1, 2]);
        let mut how = PoolsOptions::new("shop");
        how.pool = PoolOptions::new("shop").waiting(s(1), 10);
        let pools = Pools::over(connector, connect, how);
        let broker = tokio::spawn(async move {
            let _silent = peers.accept().await;
            peers.open().await.serve().await
        });
        for borrower in 0..3 {
            let error = pools.channel().await.unwrap_err();
            assert!(matches!(error, PoolError::Timeout { .. }), "{borrower}: {error}");
        }
        let (channel, _) = within(s(1), pools.channel()).await;
        drop(channel.unwrap());
        assert_eq!(*asked.lock().unwrap(), [1, 2]);
        drop(pools);
        broker.await.unwrap();
    }
}
