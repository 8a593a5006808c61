//! Storing a batch at the target: what of it is new, with the marker, in one transaction.

use super::batch::Seen;
use super::carry::Carrier;
use super::gather::offset;
use super::marker::{self, Marker};
use super::missing::{Known, Returns};
use super::origin::{as_it_came, with_exchange};
use super::plan::QueueMove;
use super::sums::{Sums, digest, own_properties};
use leveret_client::{Channel, Delivery, Error, PublishOptions, RawMessage, RawProperties};
use std::borrow::Cow;

impl Carrier {
    /// The properties with which a message is published.
    fn own<'a>(&self, queue: &QueueMove, delivery: &'a Delivery) -> Cow<'a, [u8]> {
        let raw = delivery.raw_properties();
        let own = own_properties(raw, queue.counts_deliveries, delivery.is_redelivered());
        if self.tells_exchange { with_exchange(own, delivery.exchange()) } else { own }
    }

    /// What is known of each message of a batch.
    pub(super) fn known(
        &self,
        queue: &QueueMove,
        deliveries: &[Delivery],
        (returns, held): (&mut Returns, Option<u64>),
        marker: &mut Marker,
    ) -> Vec<Known> {
        // Digests are not made in vain.
        if queue.is_stream || !returns.is_at_head() && marker.missing.is_empty() {
            return vec![Known::New; deliveries.len()];
        }
        let batch: Vec<Seen> = deliveries.iter().map(|delivery| self.seen(queue, delivery)).collect();
        let (known, forgotten) = returns.known(&mut marker.missing, &batch, held);
        marker.unsure += forgotten + known.iter().filter(|known| **known == Known::Unsure).count() as u64;
        known
    }

    fn seen(&self, queue: &QueueMove, delivery: &Delivery) -> Seen {
        let own = self.own(queue, delivery);
        let properties = RawProperties::parse(&own).unwrap_or_default();
        let digest = digest(delivery.routing_key_bytes(), properties, delivery.body());
        Seen { digest, is_redelivered: delivery.is_redelivered() }
    }

    /// Publishes what the target does not have of a batch, and the marker, in one transaction.
    pub(super) async fn store(
        &self,
        queue: &QueueMove,
        publisher: &Channel,
        (deliveries, known): (&[Delivery], &[Known]),
        marker: &mut Marker,
        read: &mut Sums,
    ) -> Result<(), Error> {
        if known.iter().all(|known| *known == Known::Stored) {
            return Ok(());
        }
        let alone = marker::name_of(&queue.name);
        let mut next = Marker { last: Vec::with_capacity(deliveries.len()), ..marker.clone() };
        for (delivery, known) in deliveries.iter().zip(known) {
            let own = self.own(queue, delivery);
            let properties = RawProperties::parse(&own).unwrap_or_default();
            let (key, body) = (delivery.routing_key_bytes(), delivery.body().clone());
            let digest = digest(key, properties, &body);
            if !queue.is_stream {
                // All of them come back together if they are not acknowledged.
                next.last.push(digest);
            }
            if *known == Known::Stored {
                continue;
            }
            read.add(&digest);
            next.sums.add(&digest);
            next.next_offset = offset(delivery).map_or(next.next_offset, |offset| offset + 1);
            let exchange = if as_it_came(&queue.name, delivery) { "" } else { &alone };
            let message = RawMessage { exchange, routing_key: key, properties, body };
            publisher.basic_publish_raw(message, PublishOptions::default()).await?;
        }
        marker::write(publisher, &queue.name, &next).await?;
        publisher.tx_commit().await?;
        *marker = next;
        Ok(())
    }
}
