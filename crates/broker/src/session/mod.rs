//! One open connection without its socket: what arrives is handled in place, what is to be sent is appended to a byte vector.
//!
//! Work for queues is collected while the frames of one read are handled and done in [`Session::finish_batch`], one lock per
//! queue; every method but publish and settlement does it first, so nobody can see the difference.

mod basic;
mod consume;
mod deliver;
mod errors;
mod exchange;
mod following;
mod look;
mod mode;
mod pending;
mod publish;
mod queue;
mod routes;
mod settle;
mod store;
mod trace;

use crate::broker::BrokerInner;
use crate::channel::unacked::{Slot, UNWRITTEN};
use crate::channel::{Channel, Mode};
use crate::events::Fields;
use crate::mailbox::{Command, Delivery, Mailbox};
use crate::message::Message;
use crate::queue::past::Return;
use crate::queue::{ConsumerId, Queue};
use crate::recorder::Recorder;
use crate::stats::{Happening, Runs};
use crate::vhost::{Actor, VirtualHost};
pub(crate) use publish::expiration_problem;

use deliver::DeliverPrefix;
use errors::IntoError as _;
use following::Following;
use leveret_protocol::handshake::unexpected_method;
use leveret_protocol::methods::{access, basic as basic_methods, channel as channel_methods, connection};
use leveret_protocol::{Content, Method, ProtocolError, ReplyCode, ShortStr};
use leveret_store::{Notify, Store, Ticket};
use pending::Pending;
use routes::Routes;
use std::sync::Arc;
use trace::SessionTrace;

/// Queues a channel refers to before it looks for some that it can let go of.
const QUEUES_REMEMBERED_MAX: usize = 256;

/// Classes of methods that change entities.
const EXCHANGE_CLASS: u16 = 40;
const QUEUE_CLASS: u16 = 50;

/// What the client said it understands, as far as the broker acts on it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ClientCapabilities {
    pub(crate) consumer_cancel_notify: bool,
    pub(crate) connection_blocked: bool,
}

/// What the handshake settled.
#[derive(Debug, Clone)]
pub(crate) struct Negotiated {
    pub(crate) actor: Actor,
    pub(crate) frame_max: u32,
    pub(crate) channel_max: u16,
    pub(crate) capabilities: ClientCapabilities,
}

/// A consumer as its connection knows it.
#[derive(Debug)]
struct ConsumerEntry {
    channel: u16,
    tag: Arc<[u8]>,
    queue: Arc<Queue>,
    /// The channel's number for the queue.
    queue_number: u32,
    id: ConsumerId,
    no_ack: bool,
    prefix: DeliverPrefix,
}

impl ConsumerEntry {
    fn slot(&self, delivery: Delivery, tag: u64, now_ms: u64) -> Slot {
        Slot {
            tag,
            queue: self.queue_number,
            consumer: Some(self.id),
            position: delivery.position,
            expires_ms: delivery.expires_ms,
            delivered_ms: now_ms,
            past: delivery.past,
            redelivered: delivery.redelivered,
            no_ack: self.no_ack,
            stored: delivery.stored,
            // What a stream delivers stays in it and is not held for going back.
            message: if self.queue.is_stream() { Message::nothing() } else { delivery.message },
        }
    }
}

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Session {
    broker: Arc<BrokerInner>,
    vhost: Arc<VirtualHost>,
    negotiated: Negotiated,
    /// The connection's name.
    connection_name: Arc<str>,
    mailbox: Arc<Mailbox>,
    /// `None`: nothing is traced.
    trace: Option<Box<SessionTrace>>,
    /// [`Follows::epoch`](crate::trace::follow::Follows::epoch) when it was looked at last.
    follow_epoch: u64,
    channels: Vec<Option<Box<Channel>>>,
    consumers: Vec<Option<ConsumerEntry>>,
    free_consumers: Vec<u32>,
    routes: Routes,
    pending: Pending,
    /// What this batch brought to which exchange.
    runs: Runs,
    /// What the work of this batch changes in the store.
    recorder: Recorder,
    store: Option<Arc<Store>>,
    /// The mailbox, as whoever waits for the store.
    waiter: Arc<dyn Notify>,
    /// Nothing is to be sent before the store has come that far.
    hold: Ticket,
    /// So much of what was published here is to be written before more is read.
    ahead_of_store: Ticket,
    /// Channels with publishings that are not placed yet.
    confirming: Vec<u16>,
    /// Channels whose confirms wait for the store.
    waiting: Vec<u16>,
    exclusive: Vec<Arc<Queue>>,
    deliveries: Vec<Delivery>,
    /// Bytes of deliveries that went into the output, or back to their queues, and were not reported to the mailbox yet.
    delivered_bytes: usize,
    /// It has published, so resource alarms block it.
    pub(crate) publishes: bool,
    /// The broker stops, and its consumers were cancelled.
    pub(crate) drained: bool,
    now_ms: u64,
}

/// What a handled method means for the connection as a whole.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Handled {
    /// It goes on.
    Open,
    /// The client closed the connection; `close-ok` is in the output.
    ConnectionClosed,
}

impl Session {
    pub(crate) fn new(
        broker: Arc<BrokerInner>,
        vhost: Arc<VirtualHost>,
        negotiated: Negotiated,
        connection_name: Arc<str>,
        mailbox: Arc<Mailbox>,
    ) -> Self {
        let store = vhost.store().cloned();
        let trace = vhost.tracer().map(|tracer| SessionTrace::new(Some(tracer)));
        Self {
            broker,
            vhost,
            trace,
            follow_epoch: 0,
            negotiated,
            connection_name,
            channels: Vec::new(),
            consumers: Vec::new(),
            free_consumers: Vec::new(),
            routes: Routes::default(),
            pending: Pending::default(),
            runs: Runs::default(),
            recorder: Recorder::default(),
            store,
            waiter: mailbox.clone(),
            hold: 0,
            ahead_of_store: 0,
            confirming: Vec::new(),
            waiting: Vec::new(),
            exclusive: Vec::new(),
            deliveries: Vec::new(),
            delivered_bytes: 0,
            publishes: false,
            drained: false,
            now_ms: 0,
            mailbox,
        }
    }

    /// Says what time it is; once per batch is enough.
    pub(crate) fn set_now(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
        if self.vhost.follows().epoch() != self.follow_epoch {
            self.follow();
        }
    }

    /// Something begins or ends to be followed.
    #[cold]
    fn follow(&mut self) {
        let follows = self.vhost.follows();
        self.follow_epoch = follows.epoch();
        let following = follows.is_on_in(self.vhost.name()).then(|| {
            Arc::new(Following {
                follows: follows.clone(),
                vhost: self.vhost.name().clone(),
                connection: self.connection_name.clone(),
                user: self.negotiated.actor.user.name().clone(),
            })
        });
        if following.is_some() || self.trace.is_some() {
            let tracer = self.vhost.tracer();
            self.trace.get_or_insert_with(|| SessionTrace::new(tracer)).following = following;
        }
        self.trace.take_if(|trace| trace.is_idle());
    }

    /// A content method arrived whole.
    #[inline]
    pub(crate) fn content(
        &mut self,
        channel: u16,
        content: Content<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        self.publishes = true;
        self.publish(channel, content, out)
    }

    /// A method without content arrived on an open channel, or opens one, or concerns the connection.
    pub(crate) fn method(
        &mut self,
        channel: u16,
        method: Method<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Handled, ProtocolError> {
        let id = method.id();
        match method {
            Method::BasicAck(ack) => self.ack(channel, ack)?,
            Method::BasicNack(nack) => self.nack(channel, nack, out)?,
            Method::BasicReject(r) => self.reject(channel, r, out)?,
            method => {
                self.finish_batch(out);
                let changes_entities = matches!(id.class, EXCHANGE_CLASS | QUEUE_CLASS);
                let lost = self.vhost.changes_lost();
                let handled = self.other(channel, method, out).map_err(|error| match error.method {
                    Some(_) => error,
                    None => error.caused_by(id),
                });
                if changes_entities {
                    self.hold_until_changes_are_stored(lost);
                }
                return handled;
            }
        }
        Ok(Handled::Open)
    }

    fn other(
        &mut self,
        channel: u16,
        method: Method<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Handled, ProtocolError> {
        match method {
            Method::ChannelFlow(flow) => {
                if !flow.active {
                    return Err(ProtocolError::connection(ReplyCode::NotImplemented, "active=false"));
                }
                channel_methods::FlowOk { active: true }.write(channel, out);
            }
            Method::AccessRequest(_) => access::RequestOk { ticket: 1 }.write(channel, out),
            Method::ExchangeDeclare(m) => self.declare_exchange(channel, m, out)?,
            Method::ExchangeDelete(m) => self.delete_exchange(channel, m, out)?,
            Method::ExchangeBind(m) => self.bind_exchange(channel, m, out)?,
            Method::ExchangeUnbind(m) => self.unbind_exchange(channel, m, out)?,
            Method::QueueDeclare(m) => self.declare_queue(channel, m, out)?,
            Method::QueueDelete(m) => self.delete_queue(channel, m, out)?,
            Method::QueuePurge(m) => self.purge_queue(channel, m, out)?,
            Method::QueueBind(m) => self.bind_queue(channel, m, out)?,
            Method::QueueUnbind(m) => self.unbind_queue(channel, m, out)?,
            Method::BasicQos(m) => self.qos(channel, m, out)?,
            Method::BasicConsume(m) => self.consume(channel, m, out)?,
            Method::BasicCancel(m) => self.cancel(channel, m, out)?,
            Method::BasicGet(m) => self.get(channel, m, out)?,
            Method::BasicRecover(m) => {
                self.recover(channel, m.requeue)?;
                basic_methods::RecoverOk.write(channel, out);
            }
            Method::BasicRecoverAsync(m) => self.recover(channel, m.requeue)?,
            Method::ConfirmSelect(m) => self.select_confirm(channel, m, out)?,
            Method::TxSelect(_) => self.select_tx(channel, out)?,
            Method::TxCommit(_) => self.commit(channel, out)?,
            Method::TxRollback(_) => self.rollback(channel, out)?,
            other => {
                let text = format!("{} is not a method a client sends on an open channel", other.id());
                return Err(ProtocolError::connection(ReplyCode::CommandInvalid, text));
            }
        }
        Ok(Handled::Open)
    }

    /// A method arrived on channel 0.
    pub(crate) fn connection_method(
        &mut self,
        method: Method<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Handled, ProtocolError> {
        self.finish_batch(out);
        match method {
            Method::ConnectionClose(_) => {
                connection::CloseOk.write(0, out);
                Ok(Handled::ConnectionClosed)
            }
            Method::ConnectionUpdateSecret(_) => {
                let user = &self.negotiated.actor.user;
                self.broker.auth().check_update_secret(user, self.vhost.name()).or_refuse(0)?;
                connection::UpdateSecretOk.write(0, out);
                Ok(Handled::Open)
            }
            other => Err(unexpected_method("running", other.id())),
        }
    }

    /// # Errors
    /// The user has as many channels as it may.
    pub(crate) fn check_channel_limit(&self) -> Result<(), ProtocolError> {
        self.broker.check_channel_limit(&self.negotiated.actor.user).or_refuse(0)
    }

    /// Makes a channel; the order of frames says that it is not there yet.
    pub(crate) fn open_channel(&mut self, channel: u16, out: &mut Vec<u8>) {
        let at = usize::from(channel);
        if self.channels.len() <= at {
            self.channels.resize_with(at + 1, || None);
        }
        let open = Box::<Channel>::default();
        let connection = self.negotiated.actor.connection;
        open.figures.used_ms.set(self.now_ms);
        self.vhost.channels().opened(connection, channel, open.figures.clone());
        self.vhost.all_channels().opened(connection, channel, open.figures.clone());
        self.vhost.churn().count(Happening::ChannelCreated);
        self.channels[at] = Some(open);
        channel_methods::OpenOk.write(channel, out);
        self.vhost.emit("channel.created", |event| self.channel_fields(event, channel));
    }

    /// RabbitMQ's name of a channel.
    fn channel_name(&self, channel: u16) -> String {
        format!("{} ({channel})", self.connection_name)
    }

    fn channel_fields(&self, event: Fields, channel: u16) -> Fields {
        event
            .text("name", &self.channel_name(channel))
            .number("number", channel.into())
            .text("connection", &self.connection_name)
            .text("user", self.negotiated.actor.user.name())
            .by(self.negotiated.actor.user.name())
    }

    #[inline]
    fn channel(&mut self, channel: u16) -> Result<&mut Channel, ProtocolError> {
        match self.channels.get_mut(usize::from(channel)) {
            Some(Some(open)) => Ok(open),
            _ => Err(ProtocolError::connection(ReplyCode::ChannelError, "expected 'channel.open'")),
        }
    }

    /// A channel that went through many queues lets go of those nothing refers to any more.
    fn forget_old_queues(&mut self, channel: u16) -> Result<(), ProtocolError> {
        let Self { channels, consumers, .. } = self;
        let Some(Some(open)) = channels.get_mut(usize::from(channel)) else { return Ok(()) };
        if open.queues.len() < QUEUES_REMEMBERED_MAX || open.unacked.len() > 0 {
            return Ok(());
        }
        open.queues.clear();
        for entry in consumers.iter_mut().flatten().filter(|entry| entry.channel == channel) {
            entry.queue_number = open.queue_number(&entry.queue);
        }
        Ok(())
    }

    /// Ends a channel: its consumers go, what it had not settled goes back.
    pub(crate) fn close_channel(&mut self, channel: u16) {
        let Some(Some(open)) = self.channels.get(usize::from(channel)) else { return };
        let numbers: Vec<u32> = open.consumers.values().copied().collect();
        self.flush_queues();
        let left = self.take_out_consumers(&numbers);
        self.end_channel(channel);
        self.leave_to_others(left);
    }

    /// Its consumers are gone from their queues.
    fn end_channel(&mut self, channel: u16) {
        let Some(open) = self.channels.get_mut(usize::from(channel)).and_then(Option::take) else { return };
        let mut open = *open;
        self.drop_reply_consumer(&mut open);
        self.take_back_deliveries(channel, &mut open);
        let numbers: Vec<u32> = open.consumers.values().copied().collect();
        if let Mode::Transaction(tx) = &mut open.mode {
            let held: Vec<_> = tx.settlements.drain(..).map(|(slot, _)| slot).collect();
            open.unacked.restore(held);
        }
        // A broker that stops is no fault of its consumers.
        let why = if self.drained { Return::Released } else { Return::Lost };
        if let Some(trace) = &mut self.trace {
            trace.closed(channel);
        }
        settle::requeue_all(channel, &mut open, why, self.now_ms, self.trace.as_deref());
        for number in numbers {
            self.consumers[number as usize] = None;
            self.free_consumers.push(number);
        }
        let connection = self.negotiated.actor.connection;
        self.vhost.channels().closed(connection, channel);
        self.vhost.all_channels().closed(connection, channel);
        self.vhost.churn().count(Happening::ChannelClosed);
        self.vhost.emit("channel.closed", |event| self.channel_fields(event, channel));
    }

    /// The connection is open, or over.
    pub(crate) fn emit_connection(&self, key: &str) {
        let user = self.negotiated.actor.user.name();
        self.vhost.emit(key, |event| {
            event
                .text("name", &self.connection_name)
                .text("user", user)
                .text("node", &self.broker.config().node_name)
                .by(user)
        });
    }

    /// Deliveries that were on their way to a channel that closes become its unacked ones, to be requeued with them. Those of other
    /// channels stay on their way.
    fn take_back_deliveries(&mut self, channel: u16, open: &mut Channel) {
        let mut commands = Vec::new();
        self.mailbox.take(&mut self.deliveries, &mut commands);
        for command in commands {
            // Orders are for the connection; they keep their turn.
            self.mailbox.order(command);
        }
        for delivery in std::mem::take(&mut self.deliveries) {
            match self.consumers.get(delivery.consumer as usize) {
                Some(Some(entry)) if entry.channel == channel => {
                    self.delivered_bytes += delivery.bytes();
                    open.unacked.push(entry.slot(delivery, UNWRITTEN, self.now_ms));
                }
                _ => self.deliveries.push(delivery),
            }
        }
        self.mailbox.put_back(&mut self.deliveries);
    }

    /// Ends everything: called once, when the connection is over.
    pub(crate) fn close(&mut self) {
        self.flush_queues();
        let consumers = self.channels.iter().flatten().flat_map(|open| open.consumers.values().copied());
        let consumers: Vec<u32> = consumers.collect();
        let left = self.take_out_consumers(&consumers);
        for channel in 0..self.channels.len() {
            self.end_channel(channel as u16);
        }
        self.leave_to_others(left);
        self.mailbox.close();
        for queue in std::mem::take(&mut self.exclusive) {
            self.vhost.remove_queue(&queue);
        }
        self.routes.forget();
        self.pending.forget();
    }

    /// Writes what the mailbox holds. Returns orders that concern the connection as a whole.
    pub(crate) fn serve_mailbox(&mut self, out: &mut Vec<u8>) -> Vec<Command> {
        let mut commands = Vec::new();
        self.mailbox.take(&mut self.deliveries, &mut commands);
        if !self.waiting.is_empty() {
            self.answer_publishers(out);
        }
        self.write_deliveries(out);
        let mut rest = Vec::new();
        for command in commands {
            match command {
                Command::ConsumerCancelled { consumer, queue } => {
                    // The number may have passed on to a newer consumer.
                    let entry = self.consumers.get(consumer as usize).and_then(Option::as_ref);
                    if entry.is_some_and(|entry| entry.queue.id() == queue) {
                        self.consumer_cancelled(consumer, out);
                    }
                }
                Command::Reply { channel, message } => self.write_reply(channel, &message, out),
                Command::Drain => self.drain(out),
                Command::TellUnacked(ask) => self.tell_unacked(ask),
                other @ Command::Close { .. } => rest.push(other),
            }
        }
        rest
    }

    /// Everything in the output left for the socket: lets consumers go on that wait for room.
    pub(crate) fn written(&mut self) {
        let bytes = std::mem::take(&mut self.delivered_bytes);
        if bytes == 0 {
            return;
        }
        for (queue, consumer) in self.mailbox.written(bytes) {
            queue.with(|state, queue, outcome| state.resume(queue, consumer, self.now_ms, outcome));
        }
        self.mailbox.caught_up();
    }

    /// The first channel whose oldest delivery was not settled in time (RabbitMQ, "Delivery Acknowledgement Timeout").
    pub(crate) fn overdue(&self) -> Option<ProtocolError> {
        let default_ms = self.broker.config().consumer_timeout.map(|timeout| timeout.as_millis() as u64);
        self.channels.iter().enumerate().find_map(|(number, channel)| {
            let channel = channel.as_ref()?;
            let own_ms = |queue: &Arc<Queue>| queue.lock().settings().consumer_timeout_ms;
            let timeouts_ms: Vec<_> = channel.queues.iter().map(|q| own_ms(q).or(default_ms)).collect();
            let overdue = channel.unacked.iter().find_map(|slot| {
                let timeout_ms = timeouts_ms.get(slot.queue as usize).copied().flatten()?;
                (self.now_ms.saturating_sub(slot.delivered_ms) >= timeout_ms).then_some(timeout_ms)
            });
            overdue.map(|timeout_ms| {
                let text = format!(
                    "delivery acknowledgement on channel {number} timed out. Timeout value used: {timeout_ms} ms. \
                     This timeout value can be configured, see consumers doc guide to learn more"
                );
                ProtocolError::channel(number as u16, ReplyCode::PreconditionFailed, text)
            })
        })
    }

    /// Messages given and not settled.
    pub(crate) fn unsettled(&self) -> usize {
        self.channels.iter().flatten().map(|channel| channel.unacked.len()).sum()
    }
}

fn text(name: &str) -> ShortStr<'_> {
    ShortStr::truncate(name)
}
