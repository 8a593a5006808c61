//! Reading a queue of the target back, to compare.

use super::carry::Carrier;
use super::gather::{BATCH_MAX, Batch, offset};
use super::plan::QueueMove;
use super::sums::{Digest, Sums, digest};
use leveret_client::{Delivery, Error};
use std::time::Duration;

/// Bytes of bodies above which a queue is not read back.
const VERIFY_BYTES_MAX: usize = 1 << 30;
const CLOSE_TIME: Duration = Duration::from_secs(5);

impl Carrier {
    /// Reads the target's queue from its beginning and gives everything back.
    pub(super) async fn verify(&self, queue: &QueueMove) -> Result<Sums, String> {
        let words = |error: Error| error.to_string();
        let target = self.to.connect(&queue.vhost).await.map_err(|trouble| trouble.text)?;
        let channel = target.channel().await.map_err(words)?;
        let (mut sums, mut held, mut bytes) = (Sums::default(), Vec::new(), 0);
        if queue.is_stream {
            let mut next = 0;
            loop {
                let batch = Batch::of_stream(&target, &queue.name, BATCH_MAX, next).await.map_err(words)?;
                let Some(last) = batch.deliveries.last().and_then(offset) else { break };
                batch.deliveries.iter().for_each(|delivery| sums.add(&as_it_is(delivery)));
                next = last + 1;
                batch.acknowledge().await.map_err(words)?;
            }
        }
        while !queue.is_stream
            && let Some(got) = channel.basic_get(&queue.name, false).await.map_err(words)?
        {
            sums.add(&as_it_is(&got.delivery));
            bytes += got.delivery.body().len();
            held.push(got.delivery);
            if bytes > VERIFY_BYTES_MAX {
                let _ = target.close(CLOSE_TIME).await;
                return Err("more than 1 GiB: too large to be read back".into());
            }
        }
        // Now they are back where they were.
        let _ = target.close(CLOSE_TIME).await;
        drop(held);
        Ok(sums)
    }
}

fn as_it_is(delivery: &Delivery) -> Digest {
    digest(delivery.routing_key_bytes(), delivery.raw_properties(), delivery.body())
}
