//! Messages that the broker gave back on a low-level channel, for who wants to see them all.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use tokio::sync::mpsc;

use super::channel_shared::ChannelShared;
use crate::error::Returned;

const MESSAGES_MAX: usize = 1024;
const BYTES_MAX: usize = 16 << 20;

/// The messages that come back on a channel: a stream that ends with the channel.
#[derive(Debug)]
pub struct Returns {
    messages: mpsc::Receiver<Returned>,
    bytes: Arc<AtomicUsize>,
}

#[derive(Debug)]
pub(crate) struct ReturnsSender {
    messages: mpsc::Sender<Returned>,
    bytes: Arc<AtomicUsize>,
}

impl Returns {
    pub(crate) fn new(channel: &ChannelShared) -> Self {
        let (sender, messages) = mpsc::channel(MESSAGES_MAX);
        let bytes = Arc::new(AtomicUsize::new(0));
        let mut returns = channel.returns.lock();
        // A channel that has ended gives nothing back.
        if channel.closed.get().is_none() {
            *returns = Some(ReturnsSender { messages: sender, bytes: bytes.clone() });
        }
        Self { messages, bytes }
    }

    /// The next one; `None`: the channel is closed. Cancel-safe.
    pub async fn next(&mut self) -> Option<Returned> {
        std::future::poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Returned>> {
        let returned = ready!(self.messages.poll_recv(cx));
        if let Some(returned) = &returned {
            self.bytes.fetch_sub(returned.body.len(), SeqCst);
        }
        Poll::Ready(returned)
    }
}

impl Stream for Returns {
    type Item = Returned;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Returned>> {
        self.poll(cx)
    }
}

impl ReturnsSender {
    pub(super) fn send(&self, returned: Returned) {
        let bytes = returned.body.len();
        let held = self.bytes.fetch_add(bytes, SeqCst);
        if held + bytes > BYTES_MAX || self.messages.try_send(returned).is_err() {
            self.bytes.fetch_sub(bytes, SeqCst);
            if !self.messages.is_closed() {
                tracing::warn!("a returned message was dropped: nobody takes them");
            }
        }
    }
}
