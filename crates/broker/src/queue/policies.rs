//! What policies make of a queue, while it is there.

use super::arguments::{QueueArguments, QueueKind};
use super::settings::{Durability, Settings};
use super::{Queue, QueueSpec, settings_of};
use crate::policy::{Applied, Kinds, PolicySet};
use parking_lot::RwLock;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// What of a queue a policy may change and others read without its lock.
#[derive(Debug)]
pub(super) struct InForce {
    applied: RwLock<Applied>,
    durability: AtomicU8,
}

impl InForce {
    pub(super) fn new(applied: Applied, durability: Durability) -> Self {
        Self { applied: RwLock::new(applied), durability: AtomicU8::new(durability as u8) }
    }
}

/// The policies that apply to a queue, and what is in force because of them.
pub(super) fn look_up(policies: &PolicySet, kind: QueueKind, spec: &QueueSpec) -> (Applied, Settings) {
    let applied = policies.applied(Kinds::of_queue(kind), &spec.name);
    let settings = settings(&applied, kind, spec);
    (applied, settings)
}

fn settings(applied: &Applied, kind: QueueKind, spec: &QueueSpec) -> Settings {
    settings_of(spec, &QueueArguments::read(kind, &applied.arguments(&spec.arguments)))
}

impl Queue {
    /// What a confirm of a persistent message means here.
    pub fn durability(&self) -> Durability {
        match self.in_force.durability.load(Ordering::Relaxed) {
            0 => Durability::Memory,
            1 => Durability::Written,
            _ => Durability::Synced,
        }
    }

    /// The policies that apply.
    pub fn policies(&self) -> Applied {
        self.in_force.applied.read().clone()
    }

    /// The virtual host's policies may be others: what they set is in force from now on. Not to be called for one queue by two at
    /// the same time, nor with any lock held.
    pub(crate) fn apply_policies(self: &Arc<Self>, policies: &PolicySet, now_ms: u64) {
        let applied = policies.applied(Kinds::of_queue(self.kind), &self.spec.name);
        if self.in_force.applied.read().is_same(&applied) {
            return;
        }
        let settings = settings(&applied, self.kind, &self.spec);
        *self.in_force.applied.write() = applied;
        self.in_force.durability.store(settings.durability as u8, Ordering::Relaxed);
        self.with(|state, queue, outcome| state.apply_settings(queue, settings, now_ms, outcome));
    }
}
