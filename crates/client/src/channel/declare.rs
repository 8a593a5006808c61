//! Exchanges, queues and bindings. What is answered is recorded where the answer is read, so that a caller who gave up waiting finds
//! it declared again, or deleted, all the same.

use leveret_protocol::methods::{exchange, queue};
use leveret_protocol::{FieldTable, Method, ShortStr};

use super::{
    Bind, Channel, DeclaredQueue, DeleteExchange, DeleteQueue, ExchangeDeclare, QueueDeclare, short,
};
use crate::error::Error;
use crate::io::{CallKind, Reply};
use crate::topology::{self, Change, Destination};

fn binding(
    destination: Destination,
    source: ShortStr<'_>,
    routing_key: ShortStr<'_>,
    arguments: FieldTable,
) -> topology::Binding {
    let (source, routing_key) = (source.to_lossy().into_owned(), routing_key.as_bytes().to_vec());
    topology::Binding { destination, source, routing_key, arguments }
}

fn count(reply: Reply) -> Result<u32, Error> {
    match reply {
        Reply::Count(count) => Ok(count),
        _ => Err(Error::Unexpected { what: "queue.purge or queue.delete" }),
    }
}

impl Channel {
    async fn change<'m>(
        &self,
        method: impl Into<Method<'m>>,
        change: Option<Change>,
    ) -> Result<Reply, Error> {
        let kind = change.map_or(CallKind::Other, |change| CallKind::Change(Box::new(change)));
        self.call(method, kind).await
    }

    /// `exchange.declare`.
    ///
    /// # Errors
    /// Those of the broker: 406 when it exists with other properties, 404 when `passive` and absent; connection lost.
    pub async fn exchange_declare(&self, name: &str, kind: &str, how: ExchangeDeclare) -> Result<(), Error> {
        let (exchange, kind) = (short(name)?, short(kind)?);
        let ExchangeDeclare { passive, durable, auto_delete, internal, arguments } = how;
        let no_wait = false;
        let declared = topology::Exchange {
            name: exchange.to_lossy().into_owned(),
            kind: kind.to_lossy().into_owned(),
            durable,
            auto_delete,
            internal,
            arguments: arguments.clone(),
        };
        let declare =
            exchange::Declare { exchange, kind, passive, durable, auto_delete, internal, no_wait, arguments };
        self.change(declare, (!passive).then_some(Change::Exchange(declared))).await.map(drop)
    }

    /// `exchange.delete`.
    ///
    /// # Errors
    /// Those of the broker; connection lost.
    pub async fn exchange_delete(&self, name: &str, when: DeleteExchange) -> Result<(), Error> {
        let if_unused = when.if_unused;
        let delete = exchange::Delete { exchange: short(name)?, if_unused, no_wait: false };
        self.change(delete, Some(Change::ExchangeDeleted(name.to_owned()))).await.map(drop)
    }

    /// `exchange.bind`: messages of `source` go to `destination` too.
    ///
    /// # Errors
    /// 404 when one does not exist; connection lost.
    pub async fn exchange_bind(&self, destination: &str, source: &str, how: Bind) -> Result<(), Error> {
        let (destination, source, routing_key) =
            (short(destination)?, short(source)?, short(&how.routing_key)?);
        let arguments = how.arguments.clone();
        let bound = binding(
            Destination::Exchange(destination.to_lossy().into_owned()),
            source,
            routing_key,
            how.arguments,
        );
        let method = exchange::Bind { destination, source, routing_key, no_wait: false, arguments };
        self.change(method, Some(Change::Bound(bound))).await.map(drop)
    }

    /// `exchange.unbind`.
    ///
    /// # Errors
    /// Those of the broker; connection lost.
    pub async fn exchange_unbind(&self, destination: &str, source: &str, how: Bind) -> Result<(), Error> {
        let (destination, source, routing_key) =
            (short(destination)?, short(source)?, short(&how.routing_key)?);
        let arguments = how.arguments.clone();
        let bound = binding(
            Destination::Exchange(destination.to_lossy().into_owned()),
            source,
            routing_key,
            how.arguments,
        );
        let method = exchange::Unbind { destination, source, routing_key, no_wait: false, arguments };
        self.change(method, Some(Change::Unbound(bound))).await.map(drop)
    }

    /// `queue.declare`; an empty name has the broker make one.
    ///
    /// # Errors
    /// 406 when it exists with other properties, 405 when it is another connection's, 404 when `passive` and absent.
    pub async fn queue_declare(&self, name: &str, how: QueueDeclare) -> Result<DeclaredQueue, Error> {
        self.declare_queue(name, how, true).await
    }

    /// The same, and the queue is not declared again when the connection comes back: for one that goes by itself (`x-expires`).
    ///
    /// # Errors
    /// As [`queue_declare`](Self::queue_declare).
    pub async fn queue_declare_once(&self, name: &str, how: QueueDeclare) -> Result<DeclaredQueue, Error> {
        self.declare_queue(name, how, false).await
    }

    async fn declare_queue(
        &self,
        name: &str,
        how: QueueDeclare,
        again: bool,
    ) -> Result<DeclaredQueue, Error> {
        let QueueDeclare { passive, durable, exclusive, auto_delete, arguments } = how;
        let (queue, no_wait) = (short(name)?, false);
        let declared = topology::Queue {
            name: name.to_owned(),
            server_named: name.is_empty(),
            durable,
            exclusive,
            auto_delete,
            arguments: arguments.clone(),
        };
        let declare = queue::Declare { queue, passive, durable, exclusive, auto_delete, no_wait, arguments };
        match self.change(declare, (again && !passive).then_some(Change::Queue(declared))).await? {
            Reply::Declared { queue: name, messages, consumers } => {
                Ok(DeclaredQueue { name, messages, consumers })
            }
            _ => Err(Error::Unexpected { what: "queue.declare" }),
        }
    }

    /// `queue.bind`.
    ///
    /// # Errors
    /// 404 when queue or exchange does not exist; connection lost.
    pub async fn queue_bind(&self, queue: &str, exchange: &str, how: Bind) -> Result<(), Error> {
        let (queue, exchange, routing_key) = (short(queue)?, short(exchange)?, short(&how.routing_key)?);
        let arguments = how.arguments.clone();
        let bound =
            binding(Destination::Queue(queue.to_lossy().into_owned()), exchange, routing_key, how.arguments);
        let method = queue::Bind { queue, exchange, routing_key, no_wait: false, arguments };
        self.change(method, Some(Change::Bound(bound))).await.map(drop)
    }

    /// `queue.unbind`.
    ///
    /// # Errors
    /// Those of the broker; connection lost.
    pub async fn queue_unbind(&self, queue: &str, exchange: &str, how: Bind) -> Result<(), Error> {
        let (queue, exchange, routing_key) = (short(queue)?, short(exchange)?, short(&how.routing_key)?);
        let arguments = how.arguments.clone();
        let bound =
            binding(Destination::Queue(queue.to_lossy().into_owned()), exchange, routing_key, how.arguments);
        let method = queue::Unbind { queue, exchange, routing_key, arguments };
        self.change(method, Some(Change::Unbound(bound))).await.map(drop)
    }

    /// `queue.purge`: throws ready messages away and says how many.
    ///
    /// # Errors
    /// 404 when it does not exist; connection lost.
    pub async fn queue_purge(&self, queue: &str) -> Result<u32, Error> {
        count(self.change(queue::Purge { queue: short(queue)?, no_wait: false }, None).await?)
    }

    /// `queue.delete`: says how many ready messages went with it.
    ///
    /// # Errors
    /// 406 when a condition does not hold; connection lost.
    pub async fn queue_delete(&self, queue: &str, when: DeleteQueue) -> Result<u32, Error> {
        let DeleteQueue { if_unused, if_empty } = when;
        let deleted = queue::Delete { queue: short(queue)?, if_unused, if_empty, no_wait: false };
        count(self.change(deleted, Some(Change::QueueDeleted(queue.to_owned()))).await?)
    }
}
