//! A stream that remembers what was written to it, write by write.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use leveret_broker::Broker;
use leveret_client::{ConnectOptions, Connection, Connector};
use leveret_protocol::{FrameKind, parse_frame};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::quick;

/// The writes of all connections made with it.
#[derive(Default, Clone)]
pub(crate) struct Tap(Arc<Mutex<Vec<Vec<u8>>>>);

impl Tap {
    pub(crate) async fn connect(&self, broker: &Broker) -> Connection {
        let (broker, tap) = (broker.clone(), self.clone());
        let connector =
            Connector::new(move |_| std::future::ready(Ok(Tapped(broker.connect(), tap.clone()))));
        Connection::connect_over(connector, quick(ConnectOptions::default())).await.unwrap()
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap().clear();
    }

    /// How many messages were published by each write that published any.
    pub(crate) fn publishes(&self) -> Vec<usize> {
        let writes = self.0.lock().unwrap();
        writes.iter().map(|bytes| count(bytes, &[0, 60, 0, 40])).filter(|&count| count > 0).collect()
    }

    /// Whether a connection has it still.
    pub(crate) fn is_held(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }
}

/// Frames of that class and method, in a write of whole frames.
fn count(mut bytes: &[u8], method: &[u8]) -> usize {
    let mut count = 0;
    while let Ok(Some((frame, length))) = parse_frame(bytes, 0) {
        count += usize::from(frame.kind == FrameKind::Method && frame.payload.starts_with(method));
        bytes = &bytes[length..];
    }
    count
}

struct Tapped<S>(S, Tap);

impl<S: AsyncRead + Unpin> AsyncRead for Tapped<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, to)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tapped<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let written = Pin::new(&mut self.0).poll_write(cx, bytes);
        if let Poll::Ready(Ok(count)) = written {
            self.1.0.lock().unwrap().push(bytes[..count].to_vec());
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
