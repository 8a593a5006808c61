//! Which messages leave a trace.

use super::recorder::*;
use crate::support::*;
use leveret_broker::trace::Sampler;
use leveret_protocol::{FieldTable, FieldValue};

async fn publish_all(sampler: Sampler, all: Vec<Publishing<'_>>) -> (usize, u64) {
    let recorder = Recorder::default();
    let broker = broker_with(recorder.settings(sampler));
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    let count = all.len();
    for publishing in all {
        client.publish(publishing).await;
    }
    assert_eq!(client.drain("q").await.len(), count, "every message arrives");
    let publishings = recorder.spans().iter().filter(|span| span.name == "publish q").count();
    let figures = broker.trace_figures().unwrap();
    assert_eq!(figures.sampled, publishings as u64);
    if publishings == 0 {
        assert_eq!(recorder.spans(), [], "nothing else of them either");
    }
    (publishings, figures.malformed)
}

fn with<'a>(traceparent: impl Into<FieldValue>) -> Publishing<'a> {
    Publishing { properties: with_parent(traceparent), ..Publishing::to("q", "body") }
}

#[tokio::test]
async fn the_publishers_flag_decides() {
    let off = PARENT.replace("-01", "-00");
    let all = || {
        vec![with(PARENT), with(&*off), with(FieldValue::ByteArray(PARENT.into())), Publishing::to("q", "x")]
    };
    assert_eq!(publish_all(Sampler::default(), all()).await, (2, 0));
    let everything = Sampler { ratio: 1.0, ..Sampler::default() };
    assert_eq!(publish_all(everything, all()).await, (3, 0), "flag 00 leaves nothing even so");
    let by_id = Sampler { parent_based: false, ratio: 1.0 };
    assert_eq!(publish_all(by_id, all()).await, (4, 0));
}

#[tokio::test]
async fn a_malformed_traceparent_counts_as_none_and_is_counted() {
    let all = || {
        let texts = ["", "00-xyz", "00-00000000000000000000000000000000-b7ad6b7169203331-01"];
        let mut all: Vec<_> = texts.into_iter().map(with).collect();
        all.push(with(FieldValue::I32(7)));
        all.push(with(FieldValue::Table(FieldTable::new())));
        all
    };
    assert_eq!(publish_all(Sampler::default(), all()).await, (0, 5));
    let everything = Sampler { ratio: 1.0, ..Sampler::default() };
    assert_eq!(publish_all(everything, all()).await, (5, 5), "the ratio decides instead");
}

#[tokio::test]
async fn a_ratio_takes_its_share_of_messages_without_a_parent() {
    let tenth = Sampler { ratio: 0.1, ..Sampler::default() };
    let all = (0..2_000).map(|_| Publishing::to("q", "x")).collect();
    let (taken, _) = publish_all(tenth, all).await;
    assert!((120..=280).contains(&taken), "{taken} of 2000 at a tenth");
}
