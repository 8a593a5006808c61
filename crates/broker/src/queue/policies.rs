//! What policies make of a queue, while it is there.

use super::arguments::{QueueArguments, QueueKind};
use super::dedup::DedupSettings;
use super::settings::{Durability, Settings};
use super::{Queue, QueueSpec};
use crate::policy::{Applied, Kinds, PolicySet};
use parking_lot::RwLock;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// What of a queue a policy may change and others read without its lock.
#[derive(Debug)]
pub(super) struct InForce {
    applied: RwLock<Applied>,
    durability: AtomicU8,
    /// What comes back waits, and is tried so many times.
    retries: AtomicBool,
}

impl InForce {
    pub(super) fn new(applied: Applied, settings: &Settings) -> Self {
        Self {
            applied: RwLock::new(applied),
            durability: AtomicU8::new(settings.durability as u8),
            retries: AtomicBool::new(settings.retry.is_some()),
        }
    }
}

/// The policies that apply to a queue, its arguments merged with them, and what is in force because of that.
pub(super) fn look_up(
    policies: &PolicySet,
    kind: QueueKind,
    spec: &QueueSpec,
) -> (Applied, QueueArguments, Settings) {
    let applied = policies.applied(Kinds::of_queue(kind), &spec.name);
    let (arguments, settings) = merged(&applied, kind, spec);
    (applied, arguments, settings)
}

fn merged(applied: &Applied, kind: QueueKind, spec: &QueueSpec) -> (QueueArguments, Settings) {
    let arguments = QueueArguments::read(kind, &applied.arguments(&spec.arguments));
    let settings = Settings::of(spec, &arguments);
    (arguments, settings)
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

    /// Whether what comes back waits, and is tried so many times.
    pub(crate) fn retries(&self) -> bool {
        self.in_force.retries.load(Ordering::Relaxed)
    }

    /// The policies that apply.
    pub fn policies(&self) -> Applied {
        self.in_force.applied.read().clone()
    }

    /// Of a gate: duplicates are found otherwise from now on, or (`None`) not any more. Whether that is a change.
    pub(crate) fn change_dedup(self: &Arc<Self>, dedup: Option<DedupSettings>, now_ms: u64) -> bool {
        self.with(|state, queue, outcome| {
            let Some(state) = state.backlog_mut().filter(|state| state.settings().dedup != dedup) else {
                return false;
            };
            let settings = Settings { dedup, ..state.settings().clone() };
            state.apply_settings(queue, settings, now_ms, outcome);
            true
        })
    }

    /// The virtual host's policies may be others: what they set is in force from now on. Not to be called for one queue by two at
    /// the same time, nor with any lock held.
    pub(crate) fn apply_policies(self: &Arc<Self>, policies: &PolicySet, now_ms: u64) {
        let applied = policies.applied(Kinds::of_queue(self.kind), &self.spec.name);
        if self.in_force.applied.read().is_same(&applied) {
            return;
        }
        let (arguments, settings) = merged(&applied, self.kind, &self.spec);
        *self.in_force.applied.write() = applied;
        self.in_force.durability.store(settings.durability as u8, Ordering::Relaxed);
        self.in_force.retries.store(settings.retry.is_some(), Ordering::Relaxed);
        self.with(|state, queue, outcome| state.apply_settings(queue, &arguments, settings, now_ms, outcome));
    }
}
