//! From what the store recovered to entities and their messages.

use crate::broker::BrokerInner;
use crate::definitions::stored::{self, StoredEntity};
use crate::definitions::{Definitions, DefinitionsError};
use crate::queue::restore::restore_waiting;
use crate::queue::stored::HIDDEN_LANE;
use crate::queue::{Queue, stream};
use crate::vhost::BindSpec;
use leveret_store::{Batch, LaneId, Recovered, Urgency};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

impl BrokerInner {
    /// Takes over what the store found. What makes no sense is named, counted and left out.
    ///
    /// # Errors
    /// The document of users and virtual hosts cannot be read.
    pub(crate) fn take_over(&self, recovered: &Recovered) -> Result<(), DefinitionsError> {
        let mut queues = HashMap::new();
        let mut skipped = 0;
        let general = recovered.definitions.iter().find(|(key, _)| **key == *stored::GENERAL);
        if let Some((_, document)) = general {
            let mut document = Definitions::parse(document)?;
            let mut batch = Batch::new();
            self.import_vhosts(&document, &mut batch);
            self.take_over_kept_policies(&mut document, &mut batch);
            self.changes().append(self.store(), &mut batch);
            self.import(&document)?;
        }
        // Bindings need both of their ends; policies come before what they apply to.
        for kind in *b"vwmpoxqb" {
            for (key, value) in recovered.definitions.iter().filter(|(key, _)| key.first() == Some(&kind)) {
                if let Err(reason) = self.take_over_one(key, value, &mut queues) {
                    skipped += 1;
                    let key = String::from_utf8_lossy(key);
                    tracing::error!(%key, reason, "a stored definition cannot be used and is left out");
                }
            }
        }
        if skipped > 0 {
            tracing::error!(skipped, "definitions were left out");
        }
        // A number is never given twice: an empty queue has one as well, and the store knows only those it has seen messages of.
        let highest = queues.keys().copied().max().unwrap_or(0).max(recovered.queue_max);
        self.queue_ids().fetch_max(highest + 1, Ordering::Relaxed);
        self.take_over_messages(recovered, &queues);
        Ok(())
    }

    fn take_over_one(
        &self,
        key: &[u8],
        value: &[u8],
        queues: &mut HashMap<u64, Arc<Queue>>,
    ) -> Result<(), String> {
        let words = |refusal: crate::refusal::Refusal| refusal.to_string();
        let mut batch = Batch::new();
        match stored::parse(key, value).ok_or("it makes no sense to this version")? {
            StoredEntity::Exchange { vhost, spec, numbers } => {
                let vhost = self.declare_vhost(&vhost);
                let (_, kept) = vhost.restore_exchange(spec, numbers, &mut batch).map_err(words)?;
                queues.extend(kept.into_iter().map(|kept| (kept.id(), kept)));
                Ok(())
            }
            StoredEntity::Queue { vhost, spec, id, paused } => {
                let vhost = self.declare_vhost(&vhost);
                let queue = vhost.restore_queue(spec, Some(id), paused, &mut batch).map_err(words)?;
                queues.insert(id, queue);
                Ok(())
            }
            StoredEntity::Vhost { vhost, metadata } => {
                self.insert_vhost(&vhost).0.put_metadata(metadata, &mut batch);
                Ok(())
            }
            StoredEntity::Parameter { vhost, parameter } => {
                self.declare_vhost(&vhost).put_parameter(parameter, &mut batch).map_err(words)
            }
            StoredEntity::GlobalParameter { name, value } => {
                self.put_global_parameter(&name, value, &mut batch).map_err(words)
            }
            StoredEntity::Policy { vhost, scope, policy } => {
                self.declare_vhost(&vhost).put_policies([(scope, policy)], Some(&mut batch)).map_err(words)
            }
            StoredEntity::Binding { vhost, binding } => {
                let spec = BindSpec {
                    source: binding.source,
                    destination: binding.destination,
                    key: binding.key,
                    arguments: binding.arguments,
                };
                self.declare_vhost(&vhost).restore_binding(spec, &mut batch).map(drop).map_err(words)
            }
        }
    }

    /// What a queue has seen. `false`: it does not look any more.
    fn take_over_seen(&self, queue: &Arc<Queue>, last: u64) -> bool {
        let began = Instant::now();
        let restored = self.store().is_some_and(|store| {
            let mut state = queue.lock();
            let now_ms = self.clock().now_ms();
            state.backlog_mut().is_some_and(|state| state.restore_dedup(store, last, now_ms))
        });
        let ids = queue.figures().ids;
        if ids > 100_000 {
            let millis = began.elapsed().as_millis() as u64;
            tracing::info!(queue = %queue.name(), ids, millis, "ids that were seen are known again");
        }
        restored
    }

    fn take_over_messages(&self, recovered: &Recovered, queues: &HashMap<u64, Arc<Queue>>) {
        let mut orphans = Batch::new();
        for lane in &recovered.lanes {
            match queues.get(&lane.queue) {
                Some(queue) if lane.lane == HIDDEN_LANE => {
                    if !self.take_over_seen(queue, lane.last) {
                        orphans.clear_range(lane.queue, lane.lane, lane.first, lane.last);
                    }
                }
                Some(queue) => {
                    if let (true, stream::MESSAGES, Some(store)) =
                        (queue.is_stream(), lane.lane, self.store())
                    {
                        stream::restore(queue, store, lane);
                    }
                    let level = usize::from(lane.lane & !LaneId::TRANSIENT);
                    queue.lock().adopt(level, lane);
                    if let (false, Some(store)) = (queue.is_stream(), self.store()) {
                        let now_ms = self.clock().now_ms();
                        let origin = self.clock().unix_ms() - now_ms;
                        restore_waiting(queue, store, lane, now_ms, origin, &|| self.memory().is_short());
                    }
                }
                None => orphans.drop_queue(lane.queue),
            }
        }
        if let Some(store) = self.store() {
            let _ = store.append(&mut orphans, Urgency::Later, None);
        }
        let now_ms = self.clock().now_ms();
        for queue in queues.values() {
            queue.with(|state, queue, outcome| state.dispatch(queue, now_ms, outcome));
        }
    }
}
