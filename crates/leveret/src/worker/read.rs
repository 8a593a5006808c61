//! Reading deliveries and having them handled, one by one or in batches, until the worker stops.

use std::sync::Arc;
use std::time::Duration;

use leveret_client::{ConsumeError, Consumer};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::coop::consume_budget;
use tokio_util::task::TaskTracker;

use super::batches::process_batch;
use super::consumers::Consumers;
use super::hand::{Hand, Work};
use super::lanes::Lanes;
use super::places::Place;
use super::process::{Item, process};
use super::run::Running;

/// A message whose handling begins.
struct Begun {
    item: Item,
    /// If those of a key go one after the other.
    key: Option<String>,
    place: OwnedSemaphorePermit,
}

/// Takes deliveries and has them handled, until the worker stops (`None`) or the consumer has ended for good.
pub(super) async fn read(
    running: &Arc<Running>,
    consumers: &mut Consumers,
    places: &Place,
    tasks: &TaskTracker,
) -> Option<ConsumeError> {
    if let Some(batch) = running.settings.batch {
        return batches(running, &mut consumers.now, places, tasks, batch).await;
    }
    let order = running.settings.order_by.as_ref().map(|key| (key, Lanes::default()));
    let mut hand = Hand::new(|work: Work<Begun>| {
        let (running, lanes) = (running.clone(), order.as_ref().map(|(_, lanes)| lanes.clone()));
        async move {
            while let Some(Begun { item, key, place }) = work.next().await {
                match lanes.as_ref().zip(key) {
                    None => process(&running, item).await,
                    Some((lanes, key)) => lanes.run(&running, &key, item).await,
                }
                drop(place);
            }
        }
    });
    let ended = loop {
        let delivery = tokio::select! {
            biased;
            delivery = consumers.next(running), if !running.stop.is_cancelled() => delivery,
            () = running.stop.cancelled() => break None,
        };
        let delivery = match delivery {
            Some(Ok(delivery)) => delivery,
            Some(Err(error)) => break Some(error),
            None => break None,
        };
        let message = running.message(&delivery);
        let item = (delivery, message);
        let (item, key) = match &order {
            None => (item, None),
            Some((key, lanes)) => {
                let key = item.1.as_ref().map(key).unwrap_or_default();
                match lanes.begin(&key, item) {
                    Some(item) => (item, Some(key)),
                    None => continue, // behind another of its key
                }
            }
        };
        let Some(place) = places.take(running).await else {
            consumers.put_back(item.0);
            break None;
        };
        hand.begin(Begun { item, key, place }, tasks);
        // Others of this thread have their turn while messages never end.
        consume_budget().await;
    };
    if let Some((_, lanes)) = order {
        // From the last on, so that they lie in their order again.
        lanes.take_all().into_iter().rev().for_each(|delivery| consumers.put_back(delivery));
    }
    ended
}

/// The same with batches.
async fn batches(
    running: &Arc<Running>,
    consumer: &mut Consumer,
    places: &Place,
    tasks: &TaskTracker,
    (max, wait): (u16, Duration),
) -> Option<ConsumeError> {
    loop {
        // The place first: what comes while there is none makes the batch fuller.
        let place = places.take(running).await?;
        let gathered = async {
            match consumer.next().await? {
                Ok(first) => consumer.put_back(first),
                Err(error) => return Some(Err(error)),
            }
            Some(consumer.consume_batch(max.into(), wait).await)
        };
        let batch = tokio::select! {
            biased;
            () = running.stop.cancelled() => return None,
            gathered = gathered => gathered,
        };
        let batch = match batch? {
            Ok(batch) => batch,
            Err(error) => return Some(error),
        };
        if running.stop.is_cancelled() {
            batch.into_iter().rev().for_each(|delivery| consumer.put_back(delivery));
            return None;
        }
        let items: Vec<_> = batch
            .into_iter()
            .map(|delivery| {
                let message = running.message(&delivery);
                (delivery, message)
            })
            .collect();
        let running = running.clone();
        tasks.spawn(async move {
            process_batch(&running, items).await;
            drop(place);
        });
    }
}
