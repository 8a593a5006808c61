//! How far a queue is, kept at the target: one message in a queue of its own, replaced in the same transaction as a batch is stored.

use super::missing::Missing;
use super::sums::{Digest, Sums, from_hex, hex};
use super::trouble::Trouble;
use leveret_client::{
    Bind, Channel, Connection, DeleteExchange, DeleteQueue, Error, ExchangeDeclare, FieldTable, Message,
    QueueDeclare,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// What names of things that belong to a migration begin with.
pub(super) const PREFIX: &str = "leveret.migrate.";

/// See the module's documentation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Marker {
    /// All that is stored.
    pub(super) sums: Sums,
    /// The last batch, in order.
    pub(super) last: Vec<Digest>,
    /// Batches before it that the source may still have.
    pub(super) missing: Vec<Missing>,
    /// The target as it ran then.
    pub(super) incarnation: String,
    /// Messages that may have come twice by now.
    pub(super) unsure: u64,
    /// Of a stream: where to go on.
    pub(super) next_offset: u64,
    /// How often the queue was read back, or was going to be.
    pub(super) read_backs: u64,
}

impl Marker {
    pub(super) fn to_body(&self) -> String {
        let texts = |digests: &[Digest]| digests.iter().map(|digest| hex(digest)).collect::<Vec<_>>();
        let missing = self.missing.iter();
        let missing =
            missing.map(|batch| json!({"digests": texts(&batch.digests), "is_certain": batch.is_certain}));
        json!({"count": self.sums.count, "chain": hex(&self.sums.chain), "set": self.sums.set.to_string(),
            "last": texts(&self.last), "missing": missing.collect::<Vec<_>>(), "incarnation": self.incarnation,
            "unsure": self.unsure, "next_offset": self.next_offset, "read_backs": self.read_backs})
        .to_string()
    }

    pub(super) fn parse(body: &[u8]) -> Option<Marker> {
        let value: Value = serde_json::from_slice(body).ok()?;
        let digests = |list: &Value| -> Option<Vec<Digest>> {
            list.as_array()?.iter().map(|text| from_hex(text.as_str()?)).collect()
        };
        // A version that had no such list forgot them.
        let missing = value["missing"].as_array().map_or(&[][..], Vec::as_slice).iter().map(|batch| {
            Some(Missing { digests: digests(&batch["digests"])?, is_certain: batch["is_certain"].as_bool()? })
        });
        Some(Marker {
            sums: Sums {
                count: value["count"].as_u64()?,
                chain: from_hex(value["chain"].as_str()?)?,
                set: value["set"].as_str()?.parse().ok()?,
            },
            last: digests(&value["last"])?,
            missing: missing.collect::<Option<_>>()?,
            incarnation: value["incarnation"].as_str()?.to_owned(),
            unsure: value["unsure"].as_u64()?,
            next_offset: value["next_offset"].as_u64()?,
            // A version that had no such number did not read what it had not moved to the end.
            read_backs: value["read_backs"].as_u64().unwrap_or(0),
        })
    }
}

/// Exchange by which messages reach the target's queue with their own routing keys, and queue of the marker.
pub(super) fn name_of(queue: &str) -> String {
    format!("{PREFIX}{}", hex(&Sha256::digest(queue.as_bytes())[..12]))
}

/// Makes both at the target. In a cluster the marker is on more nodes than one, so that it can be read while one of them is away.
pub(super) async fn make(target: &Connection, queue: &str, is_cluster: bool) -> Result<(), Error> {
    let (name, channel) = (name_of(queue), target.channel().await?);
    let exchange = ExchangeDeclare { durable: true, ..ExchangeDeclare::default() };
    channel.exchange_declare(&name, "fanout", exchange).await?;
    channel.queue_bind(queue, &name, Bind::default()).await?;
    let mut arguments = FieldTable::new();
    // One message: each replaces the one before.
    arguments.insert("x-max-length", 1);
    if is_cluster {
        arguments.insert("x-queue-type", "quorum");
    }
    let marker = QueueDeclare { durable: true, arguments, ..QueueDeclare::default() };
    match channel.queue_declare(&name, marker).await {
        // One that was made when the target had another number of nodes.
        Err(error) if error.reply_code() == Some(406) => Ok(()),
        Err(error) => Err(error),
        Ok(_) => channel.close().await,
    }
}

/// Takes both away.
pub(super) async fn remove(target: &Connection, queue: &str) -> Result<(), Error> {
    let (name, channel) = (name_of(queue), target.channel().await?);
    channel.exchange_delete(&name, DeleteExchange::default()).await?;
    channel.queue_delete(&name, DeleteQueue::default()).await?;
    channel.close().await
}

/// The marker that is there.
pub(super) async fn read(target: &Connection, queue: &str) -> Result<Option<Marker>, Trouble> {
    let words = |error: Error| Trouble::at("TO", &error);
    let channel = target.channel().await.map_err(words)?;
    let Some(got) = channel.basic_get(&name_of(queue), false).await.map_err(words)? else { return Ok(None) };
    let marker = Marker::parse(got.delivery.body());
    got.delivery.nack(true).map_err(|error| Trouble::lasting(error.to_string()))?;
    channel.close().await.map_err(words)?;
    marker.map(Some).ok_or_else(|| {
        let name = name_of(queue);
        Trouble::lasting(format!("TO: the message in queue '{name}' makes no sense: another version made it"))
    })
}

/// Publishes it into the transaction of the channel.
pub(super) async fn write(channel: &Channel, queue: &str, marker: &Marker) -> Result<(), Error> {
    let mut message = Message::new(marker.to_body()).routing_key(name_of(queue));
    message.properties.delivery_mode = Some(2);
    channel.basic_publish(message).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_what_it_wrote() {
        let mut marker = Marker {
            incarnation: "a:1 b:2".into(),
            unsure: 3,
            next_offset: 9,
            read_backs: 2,
            ..Marker::default()
        };
        marker.sums.add(&[7; 32]);
        marker.last.push([7; 32]);
        marker.missing.push(Missing { digests: vec![[8; 32], [9; 32]], is_certain: false });
        assert_eq!(Marker::parse(marker.to_body().as_bytes()), Some(marker));
        assert_eq!(Marker::parse(b"{}"), None);
        assert_eq!(name_of("orders").len(), PREFIX.len() + 24);
    }
}
