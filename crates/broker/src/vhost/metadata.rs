//! What is said of a virtual host as a whole.

use super::{DeclareQueue, VirtualHost};
use crate::definitions::stored;
use crate::queue::Queue;
use crate::queue::arguments::QueueKind;
use crate::refusal::Refusal;
use leveret_protocol::FieldValue;
use leveret_store::Batch;

pub(super) const QUEUE_TYPE: &str = "x-queue-type";

/// Description, tags, and what queues are unless they say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VhostMetadata {
    /// What it is for, in words.
    pub description: Option<String>,
    /// Words for whoever looks after it.
    pub tags: Vec<String>,
    /// The type of queues declared without `x-queue-type`, if they can be of it. `None`: classic.
    pub default_queue_type: Option<QueueKind>,
    /// It cannot be deleted before this is taken back.
    pub protected_from_deletion: bool,
}

impl VirtualHost {
    /// What is said of it.
    pub fn metadata(&self) -> VhostMetadata {
        self.metadata.read().clone()
    }

    /// Says something else of it. The default type is for queues declared from now on.
    ///
    /// # Errors
    /// The store has failed, or the virtual host is deleted.
    pub fn set_metadata(&self, metadata: VhostMetadata) -> Result<(), Refusal> {
        self.check_store(true)?;
        let _standing = self.stand()?;
        let mut batch = Batch::new();
        self.put_metadata(metadata, &mut batch);
        self.shared.changes.append(self.store(), &mut batch);
        self.check_store(true)
    }

    /// The same, with what is for the store left in the batch.
    pub(crate) fn put_metadata(&self, metadata: VhostMetadata, batch: &mut Batch) {
        let mut own = self.metadata.write();
        stored::put_vhost(batch, self.name(), &metadata);
        *own = metadata;
    }

    /// The `x-queue-type` of a declaration that names none: the default type if the queue can be of it, as in RabbitMQ from 3.11
    /// on. A queue that is there already is what it is: whoever leaves the type open finds it.
    pub(super) fn queue_type_of(&self, declare: &DeclareQueue, there: Option<&Queue>) -> Option<FieldValue> {
        let kind = self.metadata.read().default_queue_type?;
        if declare.arguments.get(QUEUE_TYPE).is_some() {
            return None;
        }
        if let Some(queue) = there {
            return queue.spec().arguments.get(QUEUE_TYPE).cloned();
        }
        let lasts = declare.durable && !declare.exclusive && !declare.auto_delete && !declare.name.is_empty();
        (kind == QueueKind::Classic || lasts).then(|| kind.as_str().into())
    }
}
