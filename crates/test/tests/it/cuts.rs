use crate::support::*;
use leveret_client::{PublisherOptions, QueueDeclare};
use leveret_test::{At, Cuts, Direction, Ending};
use std::sync::Mutex;

async fn publish_two(broker: leveret_test::TestBroker) -> Result<u64, ()> {
    let mut raw = Raw::try_named(&broker, "x", 0).await.map_err(drop)?;
    if raw.call(declare("q")).await != "queue.declare-ok" {
        return Err(());
    }
    if raw.call(leveret_protocol::methods::confirm::Select::default()).await != "confirm.select-ok" {
        return Err(());
    }
    raw.publish("q", "one").await;
    raw.publish("q", "two").await;
    Ok(acked_through(&raw.arrived(&broker).await).unwrap_or(0))
}

#[tokio::test]
async fn every_frame_is_cut_at_and_what_was_confirmed_is_there() {
    let seen = Mutex::new(Vec::new());
    let report = Cuts::new()
        .random_bytes(5)
        .each(
            |broker| async move { tokio::spawn(publish_two(broker)).await },
            |broker, cut, confirmed| {
                let there = broker.queue("q").map_or(0, |q| q.ready) as u64;
                // A write after the cut fails inside the conversation: nothing was confirmed then.
                let confirmed = confirmed.ok().and_then(Result::ok).unwrap_or(0);
                assert!(there >= confirmed, "cut {cut}: {confirmed} confirmed, {there} there");
                seen.lock().unwrap().push((cut, there, confirmed));
                async {}
            },
        )
        .await;
    let seen = seen.into_inner().unwrap();
    assert_eq!(seen.len(), report.runs);
    assert_eq!(report.runs as u64, report.frames[0] + report.frames[1] + 2 + 10);
    let mut at_frames = seen.iter().filter(|(cut, ..)| matches!(cut.at, At::Frame(_)));
    assert_eq!(at_frames.clone().map(|(_, there, _)| there).max(), Some(&2));
    let last_confirm = at_frames.rfind(|(cut, ..)| cut.direction == Direction::ToClient).unwrap();
    assert_eq!(last_confirm.2, 2, "cut after everything");
    assert!(seen.iter().any(|(_, there, confirmed)| there > confirmed), "some were stored and not confirmed");
}

#[tokio::test]
async fn a_recovering_client_confirms_only_what_is_there_wherever_it_is_cut() {
    for ending in [Ending::Close, Ending::Reset] {
        Cuts::new()
            .ending(ending)
            .each(
                |broker| async move {
                    let client = broker.try_client_with(broker.client_options()).await.ok()?;
                    let channel = client.channel().await.ok()?;
                    channel.queue_declare("q", QueueDeclare::default()).await.ok()?;
                    let publisher = client.publisher(PublisherOptions::to_queue("q")).await.ok()?;
                    publisher.send("one").await.ok()
                },
                |broker, cut, sent| async move {
                    if sent.is_some() {
                        assert!(
                            broker.queue("q").is_some_and(|q| q.ready > 0),
                            "cut {cut}\n{}",
                            broker.state()
                        );
                    }
                },
            )
            .await;
    }
}
