//! Resources that run short: connections are told, and who listens for events.

use super::BrokerInner;
use crate::memory::{MemoryGauge, Resource};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

/// Keeps the alarm bits that connections look at, and wakes them when one changes.
pub(super) async fn watch(broker: Weak<BrokerInner>, memory: Arc<MemoryGauge>) {
    loop {
        memory.changed().await;
        let Some(broker) = broker.upgrade() else { return };
        let bits = memory.alarms().iter().map(|resource| resource.bit()).sum();
        let before = broker.alarms.swap(bits, Ordering::AcqRel);
        if bits != before {
            for resource in [Resource::Memory, Resource::Disk] {
                let (was, is) = (before & resource.bit() != 0, bits & resource.bit() != 0);
                if was != is {
                    let key = if is { "alarm.set" } else { "alarm.cleared" };
                    let node = &broker.config.node_name;
                    let name = Resource::describe(resource.bit());
                    broker.events().emit(key, |event| event.text("resource", name).text("node", node));
                }
            }
            match bits {
                0 => tracing::info!("resource alarms cleared: publishers go on"),
                _ => {
                    tracing::warn!(alarms = %Resource::describe(bits), "publishers are blocked until it is cleared")
                }
            }
            broker.each_connection(|connection| connection.mailbox.wake());
        }
    }
}
