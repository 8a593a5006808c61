//! The embedded broker: the whole of it, with its store in the run's folder. `leveret serve` is this with more settings.

use std::net::SocketAddr;
use std::path::Path;

use leveret::BoxError;
use leveret_broker::{Broker, Config, DataLocation};

/// Starts it on this port of this machine; what is in the folder from before is there again.
pub(crate) async fn start(folder: &Path, address: SocketAddr) -> Result<(Broker, SocketAddr), BoxError> {
    let mut config = Config::default();
    config.data = DataLocation::Directory(folder.join("broker"));
    let broker = Broker::start(config)?;
    let address = broker.listen_amqp(address).await?;
    Ok((broker, address))
}

/// The address of a broker of this machine.
pub(crate) fn url(address: SocketAddr) -> String {
    format!("amqp://guest:guest@{address}/")
}
