//! Queues of exchanges, which nobody sees as queues: the timetable of one that delays messages, the gate of one that drops duplicates.

use super::appending::Appending;
use super::arguments::QueueKind;
use super::dedup::DedupSettings;
use super::engine::Engine;
use super::policies::InForce;
use super::settings::{Durability, Settings};
use super::state::{QueueState, StoreUse};
use super::{Queue, QueueSpec};
use crate::name::Name;
use crate::policy::Applied;
use crate::vhost::VirtualHost;
use leveret_protocol::FieldTable;
use parking_lot::Mutex;
use std::sync::Arc;

impl Queue {
    /// The timetable of an exchange that delays messages. `heeds_messages`: what they say of it themselves counts.
    pub(crate) fn timetable(
        number: u64,
        exchange: Name,
        durable: bool,
        heeds_messages: bool,
        vhost: &Arc<VirtualHost>,
    ) -> Arc<Self> {
        Self::hidden(number, exchange, durable, Settings::default(), vhost, |settings, store, now_ms| {
            QueueState::timetable_of(settings, store, heeds_messages, now_ms)
        })
    }

    /// The gate of an exchange that drops duplicates: messages pass it before they are routed.
    pub(crate) fn gate(
        number: u64,
        exchange: Name,
        durable: bool,
        dedup: DedupSettings,
        vhost: &Arc<VirtualHost>,
    ) -> Arc<Self> {
        let settings = Settings { dedup: Some(dedup), is_gate: true, ..Settings::default() };
        Self::hidden(number, exchange, durable, settings, vhost, QueueState::new)
    }

    fn hidden(
        number: u64,
        exchange: Name,
        durable: bool,
        settings: Settings,
        vhost: &Arc<VirtualHost>,
        state: impl FnOnce(Settings, StoreUse, u64) -> QueueState,
    ) -> Arc<Self> {
        let durability = if durable { Durability::Synced } else { Durability::Memory };
        let settings = Settings { durability, ..settings };
        let spec = QueueSpec {
            name: exchange,
            durable,
            exclusive_owner: None,
            auto_delete: false,
            arguments: FieldTable::new(),
        };
        let now_ms = vhost.clock().now_ms();
        let unix_origin_ms = vhost.clock().unix_ms() - now_ms;
        let store = StoreUse { number, store: vhost.store().cloned(), unix_origin_ms };
        let in_force = InForce::new(Applied::default(), &settings);
        Arc::new(Self {
            id: number,
            spec,
            memory: vhost.memory().clone(),
            appending: Appending::default(),
            surgery: Mutex::default(),
            vhost: Arc::downgrade(vhost),
            vhost_name: vhost.name().clone(),
            kind: QueueKind::Classic,
            in_force,
            commits: None,
            follows: vhost.follows().clone(),
            state: Mutex::new(Engine::Backlog(Box::new(state(settings, store, now_ms)))),
        })
    }
}
