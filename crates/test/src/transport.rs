//! The client's end of an in-process connection, and the handle that opens another.

use crate::relay::{Ending, Hub};
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::net::TcpStream;

/// Bytes an in-process connection buffers in each direction, as many as the kernel does for a socket.
const PIPE_BYTES: usize = 256 * 1024;

/// A stream of bytes to the broker, without a socket.
#[derive(Debug)]
pub struct Transport {
    pipe: DuplexStream,
    /// It ended as a reset does: what was not read yet is gone.
    reset: Arc<AtomicBool>,
}

impl Transport {
    fn check(&self) -> io::Result<()> {
        if self.reset.load(Ordering::Acquire) {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.pipe).poll_read(cx, buf)
    }
}

impl AsyncWrite for Transport {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.pipe).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.pipe).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(cx)
    }
}

/// Opens connections to one [`TestBroker`](crate::TestBroker). Clones are cheap; it does not keep the broker alive.
///
/// It becomes a [`leveret_client::Connector`] by `into()`.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
/// use leveret_test::TestBroker;
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// let broker = TestBroker::start().await;
/// let connector = broker.connector();
/// let mut stream = connector.connect().await?; // speak AMQP yourself
/// stream.write_all(b"AMQP\0\0\x09\x01").await?;
/// assert_eq!(stream.read_u8().await?, 1); // a method frame: connection.start
///
/// drop(broker);
/// assert!(connector.connect().await.is_err());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Connector(pub(crate) Weak<Hub>);

impl Connector {
    /// A fresh connection. Never waits.
    ///
    /// # Errors
    /// `ConnectionRefused` while connections are refused, while the broker restarts, and when it is gone.
    pub async fn connect(&self) -> io::Result<Transport> {
        let hub = self.0.upgrade().ok_or(io::ErrorKind::ConnectionRefused)?;
        let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
        let reset = Arc::new(AtomicBool::new(false));
        hub.open(ClientEnd::Pipe(theirs, reset.clone()))?;
        Ok(Transport { pipe: ours, reset })
    }
}

impl From<Connector> for leveret_client::Connector {
    fn from(connector: Connector) -> Self {
        Self::new(move |_| {
            let connector = connector.clone();
            async move { connector.connect().await }
        })
    }
}

/// The relay's end towards a client.
#[derive(Debug)]
pub(crate) enum ClientEnd {
    Pipe(DuplexStream, Arc<AtomicBool>),
    Socket(TcpStream),
}

impl ClientEnd {
    pub(crate) fn is_socket(&self) -> bool {
        matches!(self, Self::Socket(_))
    }

    /// Ends the connection; the client notices in the way asked for.
    pub(crate) fn end(self, ending: Ending) {
        match (self, ending) {
            (_, Ending::Close | Ending::Vanish) => {}
            (Self::Pipe(pipe, reset), Ending::Reset) => {
                reset.store(true, Ordering::Release);
                drop(pipe);
            }
            // Nothing lingers: the kernel sends RST. If it cannot be set, the connection ends all the same.
            (Self::Socket(socket), Ending::Reset) => {
                let _ = socket2::SockRef::from(&socket).set_linger(Some(std::time::Duration::ZERO));
            }
        }
    }
}

impl AsyncRead for ClientEnd {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Pipe(pipe, _) => Pin::new(pipe).poll_read(cx, buf),
            Self::Socket(socket) => Pin::new(socket).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for ClientEnd {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Pipe(pipe, _) => Pin::new(pipe).poll_write(cx, buf),
            Self::Socket(socket) => Pin::new(socket).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Pipe(pipe, _) => Pin::new(pipe).poll_flush(cx),
            Self::Socket(socket) => Pin::new(socket).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Pipe(pipe, _) => Pin::new(pipe).poll_shutdown(cx),
            Self::Socket(socket) => Pin::new(socket).poll_shutdown(cx),
        }
    }
}
