//! One trace, from the first message through retries and dead letters to what handlers publish.

use leveret::{Failure, Publisher, Queue, State, Text, Topology, TraceContext};

use super::home::Home;
use super::support::{Log, header, only, send, start};

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const OTHER: &str = "00-11111111111111111111111111111111-2222222222222222-01";

#[tokio::test]
async fn what_a_handler_publishes_and_what_it_cannot_handle_keep_the_trace() {
    let home = Home::start().await;
    let mq = home.connect().await;
    let orders = Queue::durable("orders").dead_letter();
    mq.declare(Topology::from(orders).queue(Queue::durable("mails")).queue(Queue::durable("own")))
        .await
        .unwrap();
    let mails = mq.publisher("mails").build::<Text>().await.unwrap();
    let seen: Log<Option<String>> = Log::default();
    let handler = |context: TraceContext,
                   State(mails): State<Publisher<Text>>,
                   State(seen): State<Log<Option<String>>>| async move {
        seen.lock().push(context.traceparent.clone());
        if context.traceparent.is_some() {
            mails.send("thank you").await?;
            mails.enqueue("and goodbye").await?.await?;
            let own = |message: leveret::Message| message.routing_key("own").header("traceparent", OTHER);
            mails.send_with("another trace", own).await?;
        }
        Err::<(), _>(Failure::permanent("never"))
    };
    let worker = start(mq.worker("orders").state(mails).state(seen.clone()), handler);
    let publisher = mq.publisher("orders").build::<Text>().await.unwrap();
    publisher
        .send_with("coffee", |message| message.header("traceparent", TRACE).header("tracestate", "a=1"))
        .await
        .unwrap();
    let dead = only(&home, "orders.dead").await;
    assert_eq!((header(&dead, "traceparent").as_str(), header(&dead, "tracestate").as_str()), (TRACE, "a=1"));
    let mails = home.messages("mails");
    assert_eq!(mails.len(), 2);
    for mail in &mails {
        assert_eq!(
            (header(mail, "traceparent").as_str(), header(mail, "tracestate").as_str()),
            (TRACE, "a=1")
        );
    }
    assert_eq!(header(&only(&home, "own").await, "traceparent"), OTHER, "what has a context keeps it");
    send(&mq, "orders", "without").await;
    home.eventually("the other is dead as well", || home.ready("orders.dead") == Some(2)).await;
    assert_eq!(*seen.lock(), [Some(TRACE.to_owned()), None]);
    worker.stop().await;
}
