//! A broker on a faulty disk, and a connection to it.

use super::log::{Event, Log};
use super::plan::{Kind, Plan};
use leveret_broker::{Broker, Clock, Config, DataLocation};
use leveret_client::{
    Bind, Channel, Confirmation, ConnectOptions, Connection, Connector, ExchangeDeclare, PublishConfirm,
    PublishOptions, QueueDeclare,
};
use leveret_store::disk::faulty::FaultyDisk;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// 2026; it does not matter, as the clock stands.
const NOW_UNIX_MS: u64 = 1_780_000_000_000;

/// See the module's documentation.
pub(super) struct Site {
    plan: Plan,
    log: Log,
    channel: Channel,
    /// Duplicates of what is on its way come on another connection.
    other: Channel,
    /// Acks, and sends much, in transactions: once one is committed, what is in it is stored.
    taker: Channel,
    /// Ids on their way.
    in_flight: VecDeque<(usize, PublishConfirm)>,
    _connections: [Connection; 2],
    _broker: Broker,
}

pub(super) fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}

impl Site {
    /// Starts a broker on what a disk holds; declares what is there maybe not yet.
    pub(super) async fn start(disk: &FaultyDisk, plan: Plan, log: Log) -> Result<Self, String> {
        let mut config = Config::default();
        config.heartbeat = Duration::ZERO;
        config.limits.disk_free_min_bytes = 0;
        config.store.file_bytes = plan.file_bytes as _;
        config.data = DataLocation::Disk(Arc::new(disk.clone()));
        let credentials = (config.default_user.clone(), config.default_pass.clone());
        let broker = Broker::start_with_clock(config, Clock::virtual_at(NOW_UNIX_MS))
            .map_err(|error| format!("the broker does not start: {error}"))?;
        let connect = || {
            let to = broker.clone();
            let connector = Connector::new(move |_| std::future::ready(Ok(to.connect())));
            let options = ConnectOptions::default()
                .credentials(credentials.0.clone(), credentials.1.clone())
                .heartbeat(Duration::ZERO);
            Connection::connect_over(connector, options)
        };
        let connections = [connect().await.map_err(words)?, connect().await.map_err(words)?];
        let (channel, other) =
            (connections[0].channel().await.map_err(words)?, connections[1].channel().await.map_err(words)?);
        let taker = connections[1].channel().await.map_err(words)?;
        taker.tx_select().await.map_err(words)?;
        channel.confirm_select().await.map_err(words)?;
        other.confirm_select().await.map_err(words)?;
        let site = Self {
            plan,
            log,
            channel,
            other,
            taker,
            in_flight: VecDeque::new(),
            _connections: connections,
            _broker: broker,
        };
        site.declare().await.map_err(words)?;
        Ok(site)
    }

    async fn declare(&self) -> Result<(), leveret_client::Error> {
        let Self { plan, channel, .. } = self;
        let of_exchange = plan.kind == Kind::Exchange;
        if of_exchange {
            let how = ExchangeDeclare { durable: true, arguments: plan.arguments(), ..Default::default() };
            channel.exchange_declare("x", "fanout", how).await?;
        }
        for queue in plan.queues() {
            let arguments = if of_exchange { Default::default() } else { plan.arguments() };
            let how = QueueDeclare { durable: true, arguments, ..Default::default() };
            channel.queue_declare(queue, how).await?;
            if of_exchange {
                channel.queue_bind(queue, "x", Bind::default()).await?;
            }
        }
        Ok(())
    }

    /// Sends a message, for the first time or again.
    pub(super) async fn send(&mut self, id: usize) -> Result<(), String> {
        self.log.add(Event::Sent(id));
        let message = self.plan.message(id);
        let confirm = self.channel.basic_publish_confirmed(message, PublishOptions::default()).await;
        self.in_flight.push_back((id, confirm.map_err(words)?));
        Ok(())
    }

    /// Sends messages in one transaction: all of them come in together.
    pub(super) async fn send_together(&mut self, ids: std::ops::Range<usize>) -> Result<(), String> {
        self.wait(0).await?;
        for id in ids.clone() {
            self.log.add(Event::Sent(id));
            self.taker.basic_publish(self.plan.message(id)).await.map_err(words)?;
        }
        self.taker.tx_commit().await.map_err(words)?;
        ids.for_each(|id| self.log.add(Event::Confirmed(id)));
        Ok(())
    }

    /// Sends a message again on another connection, and waits for its confirm.
    pub(super) async fn repeat(&mut self, id: usize) -> Result<(), String> {
        self.log.add(Event::Sent(id));
        let message = self.plan.message(id);
        let confirm = self.other.basic_publish_confirmed(message, PublishOptions::default()).await;
        self.confirmed(id, confirm.map_err(words)?).await
    }

    async fn confirmed(&self, id: usize, confirm: PublishConfirm) -> Result<(), String> {
        match confirm.await.map_err(|error| format!("id {id}: {error}"))? {
            Confirmation::Ack => self.log.add(Event::Confirmed(id)),
            other => return Err(format!("id {id} was not confirmed, but answered: {other:?}")),
        }
        Ok(())
    }

    /// Waits until no more than so many are on their way.
    pub(super) async fn wait(&mut self, at_most: usize) -> Result<(), String> {
        while self.in_flight.len() > at_most
            && let Some((id, confirm)) = self.in_flight.pop_front()
        {
            self.confirmed(id, confirm).await?;
        }
        Ok(())
    }

    /// Takes messages from the head of a queue and acks them: their ids.
    pub(super) async fn consume(&mut self, queue: usize, at_most: usize) -> Result<Vec<usize>, String> {
        let name = self.plan.queues()[queue];
        let mut ids = Vec::new();
        while ids.len() < at_most {
            let Some(got) = self.taker.basic_get(name, false).await.map_err(words)? else { break };
            let body = got.delivery.body();
            let id =
                body.first_chunk().map(|bytes| u64::from_le_bytes(*bytes) as usize).unwrap_or(usize::MAX);
            if id > u32::MAX as usize || **body != *self.plan.body(id) {
                return Err(format!("a message of {} bytes that nobody sent", body.len()));
            }
            self.log.add(Event::Acked(queue, id));
            got.delivery.ack().map_err(words)?;
            ids.push(id);
        }
        self.taker.tx_commit().await.map_err(words)?;
        ids.iter().for_each(|id| self.log.add(Event::Settled(queue, *id)));
        Ok(ids)
    }
}
