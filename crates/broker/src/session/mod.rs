//! One open connection without its socket: what arrives is handled in place, what is to be sent is appended to a byte vector.
//!
//! Work for queues is collected while the frames of one read are handled and done in [`Session::finish_batch`], one lock per
//! queue; every method but publish and settlement does it first, so nobody can see the difference.

mod answer;
mod basic;
mod channels;
mod consume;
mod deliver;
mod errors;
mod exchange;
mod following;
mod look;
mod mail;
mod methods;
mod mode;
mod pending;
mod properties;
mod publish;
mod queue;
mod routes;
mod settle;
mod store;
mod trace;

use crate::broker::BrokerInner;
use crate::channel::Channel;
use crate::channel::unacked::Slot;
use crate::mailbox::{Delivery, Mailbox};
use crate::message::Message;
use crate::queue::{ConsumerId, Queue};
use crate::recorder::Recorder;
use crate::stats::Runs;
use crate::vhost::{Actor, VirtualHost};
pub(crate) use methods::Handled;
pub(crate) use properties::expiration_problem;

use deliver::DeliverPrefix;
use leveret_protocol::ShortStr;
use leveret_store::{Notify, Store, Ticket};
use pending::Pending;
use routes::Routes;
use std::sync::Arc;
use trace::SessionTrace;

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
}

fn text(name: &str) -> ShortStr<'_> {
    ShortStr::truncate(name)
}
