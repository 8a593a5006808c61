//! A connection to a broker in the process whose pipe can be cut.

use std::sync::{Arc, Mutex};

use leveret_broker::Broker;
use leveret_client::{ConnectOptions, Connection, ConnectionState, Connector};
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::{SOON, quick};

/// The last pipe between client and broker; aborting it cuts the connection.
pub(crate) type Pipe = Arc<Mutex<Option<AbortHandle>>>;

/// Cuts it and waits until it is back.
pub(crate) async fn cut_and_wait(connection: &Connection, pipe: &Pipe) {
    pipe.lock().unwrap().take().unwrap().abort();
    let mut watch = connection.watch();
    let lost = watch.wait_for(|state| matches!(state, ConnectionState::Recovering { .. }));
    timeout(SOON, lost).await.unwrap().unwrap();
    let back = watch.wait_for(|state| matches!(state, ConnectionState::Connected));
    timeout(SOON, back).await.unwrap().unwrap();
}

/// Connects through a pipe, and again whenever it is cut.
pub(crate) async fn connect(broker: &Broker, pipe: &Pipe) -> Connection {
    let (broker, pipe) = (broker.clone(), pipe.clone());
    let connector = Connector::new(move |_| {
        let (ours, mut theirs) = tokio::io::duplex(8192);
        let mut far = broker.connect();
        let task = tokio::spawn(async move {
            let _ = tokio::io::copy_bidirectional(&mut theirs, &mut far).await;
        });
        *pipe.lock().unwrap() = Some(task.abort_handle());
        std::future::ready(Ok(ours))
    });
    Connection::connect_over(connector, quick(ConnectOptions::default())).await.unwrap()
}
