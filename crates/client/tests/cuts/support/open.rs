//! Open connections, publishers and consumers, each with the broker's side of it.

use leveret_client::{
    ConnectOptions, Connection, Consumer, ConsumerOptions, Publisher, PublisherOptions, SendError,
};

use super::peer::{Peer, Peers};
use super::{options, s};

pub(crate) async fn connect(options: ConnectOptions, heartbeat: u16) -> (Connection, Peer, Peers) {
    let (connector, mut peers) = Peers::new();
    let (connection, peer) =
        tokio::join!(Connection::connect_over(connector, options), peers.open_with(heartbeat));
    (connection.unwrap(), peer, peers)
}

pub(crate) async fn consumer(how: ConsumerOptions) -> (Connection, Consumer, Peer, Peers) {
    let (connection, mut peer, peers) = connect(options(), 0).await;
    let opening = tokio::spawn({
        let connection = connection.clone();
        async move { connection.consumer(how).await.unwrap() }
    });
    let consume = peer.until("basic.consume").await;
    peer.answer(&consume).await;
    (connection, opening.await.unwrap(), peer, peers)
}

/// A publisher with a deadline of 4 s, and the broker's side.
pub(crate) async fn publisher(
    options: ConnectOptions,
    how: PublisherOptions,
) -> (Connection, Publisher, Peer, Peers) {
    let (connector, mut peers) = Peers::new();
    let connecting = tokio::spawn(async move {
        let connection = Connection::connect_over(connector, options).await.unwrap();
        let publisher = connection.publisher(how.deadline(s(4))).await.unwrap();
        (connection, publisher)
    });
    let mut peer = peers.open().await;
    let select = peer.until("confirm.select").await;
    peer.answer(&select).await;
    let (connection, publisher) = connecting.await.unwrap();
    (connection, publisher, peer, peers)
}

pub(crate) fn to_q() -> PublisherOptions {
    PublisherOptions::to_queue("q")
}

pub(crate) fn is_unconfirmed<T>(outcome: &Result<T, SendError>) -> bool {
    matches!(outcome, Err(SendError::Unconfirmed { maybe_stored: true }))
}
