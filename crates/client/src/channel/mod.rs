//! The low-level channel: every method of AMQP 0-9-1 and RabbitMQ's extensions, a file per part.

mod content;
mod declare;
mod options;

pub use options::{
    Bind, ConsumeOptions, DeclaredQueue, DeleteExchange, DeleteQueue, ExchangeBind, ExchangeDeclare, Got,
    QueueDeclare,
};

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use leveret_protocol::methods::{channel, confirm, tx};
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

/// A channel; clones are the same one, and it is closed when the last is dropped. It ends with its connection: publishers and
/// consumers come back by themselves, a channel does not.
///
/// Every method waits for the broker's answer, at most
/// [`operation_timeout`](crate::ConnectOptions::operation_timeout). Dropping a future does not take the method back.
///
/// ```no_run
/// # async fn example(connection: leveret_client::Connection) -> Result<(), leveret_client::Error> {
/// use leveret_client::QueueDeclare;
///
/// let channel = connection.channel().await?;
/// channel.queue_declare("orders", QueueDeclare { durable: true, ..Default::default() }).await?;
/// # Ok(())
/// # }
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

    /// `confirm.select`.
    ///
    /// # Errors
    /// 406 on a channel in transactions; connection lost.
    pub async fn confirm_select(&self) -> Result<(), Error> {
        self.mark();
        self.call(confirm::Select { no_wait: false }, CallKind::Confirm).await.map(drop)
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
