//! How bytes get to a broker: TCP, TLS, or whatever the caller supplies.

mod tls;

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};

use crate::error::ConnectError;
use crate::options::ConnectOptions;
use crate::uri::Address;

/// Addresses of one name that are tried, at most.
const SOCKETS_MAX: usize = 32;

/// A stream of bytes in both directions.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Any stream.
pub type BoxStream = Box<dyn Stream>;

type Opening = Pin<Box<dyn Future<Output = io::Result<BoxStream>> + Send>>;

/// Opens the stream a connection runs over, again for every attempt.
///
/// ```
/// # async fn example(_: leveret_client::Connection) -> Result<(), Box<dyn std::error::Error>> {
/// use leveret_client::{ConnectOptions, Connection, Connector};
///
/// let broker = leveret_test::TestBroker::start().await;
/// let over_a_pipe: Connector = broker.connector().into();
/// let connection = Connection::connect_over(over_a_pipe, ConnectOptions::default()).await?;
/// assert!(connection.channel().await.is_ok());
/// # Ok(()) }
/// # leveret_test::run_example(example);
/// ```
#[derive(Clone, Default)]
pub struct Connector(Option<Arc<dyn Fn(Address) -> Opening + Send + Sync>>);

impl Connector {
    /// TCP, with TLS when the options ask for it.
    #[must_use]
    pub fn socket() -> Self {
        Self(None)
    }

    /// Any other transport, for example the pipe of a broker in the same process. TLS options are not applied to it.
    pub fn new<F, T, S>(open: F) -> Self
    where
        F: Fn(Address) -> T + Send + Sync + 'static,
        T: Future<Output = io::Result<S>> + Send + 'static,
        S: Stream + 'static,
    {
        Self(Some(Arc::new(move |address| {
            let opening = open(address);
            Box::pin(async move { opening.await.map(|stream| Box::new(stream) as BoxStream) })
        })))
    }

    /// The socket addresses of a name, in the resolver's order. `None`: the transport knows what to do with the name.
    pub(crate) async fn resolve(&self, address: &Address) -> io::Result<Vec<Option<SocketAddr>>> {
        if self.0.is_some() {
            return Ok(vec![None]);
        }
        let mut sockets = Vec::new();
        for socket in lookup_host((&*address.host, address.port)).await? {
            if sockets.len() < SOCKETS_MAX && !sockets.contains(&Some(socket)) {
                sockets.push(Some(socket));
            }
        }
        if sockets.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
        }
        Ok(sockets)
    }

    pub(crate) async fn open(
        &self,
        address: &Address,
        socket: Option<SocketAddr>,
        options: &ConnectOptions,
    ) -> Result<BoxStream, ConnectError> {
        let unreachable = |source| ConnectError::Unreachable { address: address.to_string(), source };
        if let Some(open) = &self.0 {
            return open(address.clone()).await.map_err(unreachable);
        }
        let tcp = match socket {
            Some(socket) => TcpStream::connect(socket).await,
            None => TcpStream::connect((&*address.host, address.port)).await,
        };
        let tcp = tcp.map_err(unreachable)?;
        tcp.set_nodelay(true).map_err(unreachable)?;
        match &options.tls {
            Some(tls) => tls::wrap(tcp, &address.host, tls).await,
            None => Ok(Box::new(tcp)),
        }
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Connector(custom)" } else { "Connector(socket)" })
    }
}
