//! The low-level channel: every method of AMQP 0-9-1 and RabbitMQ's extensions, a file per part.

mod confirms;
mod content;
mod declare;
mod options;

pub use confirms::{Confirmation, PublishConfirm};
pub use options::{
    Bind, ConsumeOptions, DeclaredQueue, DeleteExchange, DeleteQueue, ExchangeBind, ExchangeDeclare, Got,
    PublishOptions, QueueDeclare,
};

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use leveret_protocol::methods::{channel, tx};
use leveret_protocol::{Method, ShortStr};

use crate::connection::Connection;
use crate::error::Error;
use crate::io::{CallKind, ChannelShared, Command, Reply};

#[derive(Debug)]
struct Inner {
    connection: Connection,
    shared: Arc<ChannelShared>,
    /// A method left something behind: a mode, a prefetch, a consumer, deliveries.
    marked: AtomicBool,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.let_go();
    }
}

/// A channel; clones are the same one, and it is closed when the last is dropped.
///
/// It does not recover, as with other clients: it ends with its connection, and with every error that AMQP closes channels for. Then
/// all that is asked of it fails with that error, its consumers end with it, and [`wait_closed`](Self::wait_closed) tells it; the
/// connection comes back by itself, and [`Connection::channel`] opens another. What is to go on by itself is a
/// [`Publisher`](crate::Publisher), which sends again what was not confirmed, or a consumer of [`Connection::consumer`].
/// (What a channel *declared* is declared again with the connection.)
///
/// Every method waits for the broker's answer, at most
/// [`operation_timeout`](crate::ConnectOptions::operation_timeout). Dropping a future does not take the method back.
///
/// ```
/// # async fn example(connection: leveret_client::Connection) -> Result<(), Box<dyn std::error::Error>> {
/// use leveret_client::{Message, QueueDeclare};
///
/// let channel = connection.channel().await?;
/// channel.queue_declare("orders", QueueDeclare { durable: true, ..Default::default() }).await?;
/// channel.confirm_select().await?;
/// let message = Message::new("one coffee").routing_key("orders");
/// let confirm = channel.basic_publish_confirmed(message, Default::default()).await?;
/// println!("{:?}", confirm.await); // Ok(Ack)
/// let got = channel.basic_get("orders", false).await?.ok_or("the queue is empty")?;
/// assert_eq!((&got.delivery.body()[..], got.messages), (&b"one coffee"[..], 0));
/// got.delivery.ack()?;
/// # Ok(())
/// # }
/// # leveret_test::run_example(example);
/// ```
#[derive(Debug, Clone)]
pub struct Channel(Arc<Inner>);

fn short(text: &str) -> Result<ShortStr<'_>, Error> {
    Ok(ShortStr::new(text)?)
}

impl Channel {
    pub(crate) fn new(connection: Connection, shared: Arc<ChannelShared>) -> Self {
        Self(Arc::new(Inner { connection, shared, marked: AtomicBool::new(false) }))
    }

    /// Its number on the connection.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.0.shared.number
    }

    /// Whether it is as it was opened: no confirm or transaction mode, no prefetch, never a consumer or a `basic.get`.
    #[must_use]
    pub fn is_pristine(&self) -> bool {
        !self.0.marked.load(SeqCst)
    }

    /// A method leaves something behind.
    fn mark(&self) {
        self.0.marked.store(true, SeqCst);
    }

    async fn call<'m>(&self, method: impl Into<Method<'m>>, kind: CallKind) -> Result<Reply, Error> {
        if let Some(error) = self.0.shared.closed.get() {
            return Err(error.clone());
        }
        let method = method.into();
        let what = method.id().name();
        let mut frame = Vec::new();
        method.write(self.number(), &mut frame);
        drop(method);
        let (channel, epoch) = (self.number(), self.0.shared.epoch.load(SeqCst));
        let answer =
            self.0.connection.ask(what, |reply| Command::Call { channel, epoch, frame, kind, reply }).await;
        match (answer, self.0.shared.closed.get()) {
            (Err(Error::Lost(_)), Some(error)) => Err(error.clone()),
            (answer, _) => answer,
        }
    }

    async fn done<'m>(&self, method: impl Into<Method<'m>>) -> Result<(), Error> {
        self.call(method, CallKind::Other).await.map(drop)
    }

    /// `tx.select`: what follows counts only once it is committed.
    ///
    /// # Errors
    /// 406 on a channel with confirms; connection lost.
    pub async fn tx_select(&self) -> Result<(), Error> {
        self.mark();
        self.done(tx::Select).await
    }

    /// `tx.commit`.
    ///
    /// # Errors
    /// 406 without `tx.select`; connection lost, then the outcome is unknown.
    pub async fn tx_commit(&self) -> Result<(), Error> {
        self.done(tx::Commit).await
    }

    /// `tx.rollback`.
    ///
    /// # Errors
    /// 406 without `tx.select`; connection lost.
    pub async fn tx_rollback(&self) -> Result<(), Error> {
        self.done(tx::Rollback).await
    }

    /// Closes the channel and waits for the answer.
    ///
    /// # Errors
    /// It is closed already, and why; connection lost.
    pub async fn close(&self) -> Result<(), Error> {
        let close = channel::Close { reply_code: 200, ..Default::default() };
        self.call(close, CallKind::Close).await.map(drop)
    }

    /// Why it is closed, if it is.
    #[must_use]
    pub fn closed(&self) -> Option<Error> {
        self.0.shared.closed.get().cloned()
    }
}
