//! Workers: what handlers are given, how many at a time, in which order, and what becomes of what cannot be handled.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use leveret::client::ConsumerOptions;
use leveret::{
    App, AppError, Attempt, Failure, Headers, Json, Message, MessageId, Mq, Properties, Queue, Raw,
    Redelivered, Routes, RoutingKey, State, Text, Topology, WorkerError,
};
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::home::Home;
use super::support::{Log, header, only, send, start};

async fn with_orders() -> (Home, Mq) {
    let home = Home::start().await;
    let mq = home.connect().await;
    mq.declare(Queue::durable("orders").dead_letter()).await.unwrap();
    (home, mq)
}

#[tokio::test]
async fn a_handler_is_given_the_parts_it_asks_for() {
    let (home, mq) = with_orders().await;
    let publisher = mq.publisher("orders").build::<Json<u32>>().await.unwrap();
    publisher.send_with(&7, |message| message.message_id("m7").header("tenant", "blue")).await.unwrap();
    let seen: Log<String> = Log::default();
    let handler = |Json(order): Json<u32>,
                   MessageId(id): MessageId,
                   Headers(headers): Headers,
                   properties: Properties,
                   Attempt(attempt): Attempt,
                   Redelivered(again): Redelivered,
                   RoutingKey(key): RoutingKey,
                   text: Option<Text>,
                   Raw(body): Raw,
                   State(seen): State<Log<String>>| async move {
        let (tenant, kind) =
            (headers.get("tenant").unwrap().as_str().unwrap().to_owned(), properties.content_type.unwrap());
        seen.lock().push(format!(
            "{order} {id} {tenant} {kind} {attempt} {again} {key} {} {body:?}",
            text.is_some()
        ));
    };
    let worker = start(mq.worker("orders").state(seen.clone()), handler);
    home.eventually("it is handled", || seen.lock().len() == 1).await;
    assert_eq!(seen.lock()[0], "7 m7 blue application/json 1 false orders false b\"7\"");
    let report = worker.stop().await;
    assert_eq!((report.acked, report.requeued, report.abandoned), (1, 0, 0));
    home.expect_empty("orders").await;
}

#[tokio::test]
async fn what_nobody_can_read_goes_to_the_dead_letters_at_once() {
    let (home, mq) = with_orders().await;
    let raw = mq.publishing().publisher(leveret::client::PublisherOptions::to_queue("orders")).await.unwrap();
    let typed = |kind: &str, body: &'static str| {
        let mut message = Message::new(body);
        message.properties.content_type = Some(kind.to_owned());
        message
    };
    let called = Arc::new(AtomicUsize::new(0));
    let counter = called.clone();
    let handler = move |_: Json<u32>| {
        counter.fetch_add(1, SeqCst);
        async {}
    };
    let worker = start(mq.worker("orders"), handler);
    for (kind, body, reason, error) in [
        (
            "application/json",
            "x",
            "undecodable",
            "the body is no such JSON: expected value at line 1 column 1",
        ),
        ("text/xml", "<x/>", "content-type", "the content type is \"text/xml\", not application/json"),
    ] {
        raw.send(typed(kind, body)).await.unwrap();
        let dead = only(&home, "orders.dead").await;
        assert_eq!(header(&dead, "x-error-reason"), reason);
        assert_eq!(header(&dead, "x-error"), error);
        assert_eq!(
            (header(&dead, "x-attempts").as_str(), header(&dead, "x-original-queue").as_str()),
            ("1", "orders")
        );
        assert_eq!(dead.body, body);
        mq.consuming().channel().await.unwrap().queue_purge("orders.dead").await.unwrap();
    }
    assert_eq!((called.load(SeqCst), worker.stop().await.dead_lettered), (0, 2));
}

#[tokio::test]
async fn types_choose_handlers_and_unknown_ones_are_dead_letters() {
    let (home, mq) = with_orders().await;
    let seen: Log<String> = Log::default();
    let log = |what: &'static str| {
        move |Text(text): Text, State(seen): State<Log<String>>| async move {
            seen.lock().push(format!("{what} {text}"))
        }
    };
    let routes = Routes::new().on("new", log("new")).on("gone", log("gone"));
    let worker = start(mq.worker("orders").state(seen.clone()), routes.clone());
    for kind in ["new", "gone", "other"] {
        let publisher = mq.publisher("orders").message_type(kind).build::<Text>().await.unwrap();
        publisher.send("1").await.unwrap();
    }
    let dead = only(&home, "orders.dead").await;
    assert_eq!(header(&dead, "x-error-reason"), "unknown-type");
    assert_eq!(header(&dead, "x-error"), "there is no handler for messages of type \"other\"");
    home.eventually("both are handled", || seen.lock().len() == 2).await;
    worker.stop().await;
    let error = mq.worker("orders").run(routes, CancellationToken::new()).await.unwrap_err().to_string();
    assert!(error.contains("takes State<") && error.contains("call .state(..)"), "{error}");
}

#[tokio::test]
async fn no_more_are_handled_at_a_time_than_were_asked_for() {
    let (home, mq) = with_orders().await;
    let (now, most, gate) =
        (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let handler = {
        let (now, most, gate) = (now.clone(), most.clone(), gate.clone());
        move || {
            let (now, most, gate) = (now.clone(), most.clone(), gate.clone());
            async move {
                most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                gate.acquire().await.unwrap().forget();
                now.fetch_sub(1, SeqCst);
            }
        }
    };
    for order in 0..12 {
        send(&mq, "orders", &order.to_string()).await;
    }
    let worker = start(mq.worker("orders").concurrency(3).prefetch(12), handler);
    home.eventually("three are being handled", || now.load(SeqCst) == 3).await;
    home.settle().await;
    gate.add_permits(12);
    home.expect_empty("orders").await;
    assert_eq!((most.load(SeqCst), worker.stop().await.acked), (3, 12));
}

#[tokio::test]
async fn messages_of_one_key_keep_their_order_while_others_go_on() {
    let (home, mq) = with_orders().await;
    let (seen, gate) = (Log::<String>::default(), Arc::new(Semaphore::new(0)));
    let handler = |Text(text): Text, State(seen): State<Log<String>>, State(gate): State<Arc<Semaphore>>| async move {
        if text == "a1" {
            gate.acquire().await.unwrap().forget();
        }
        seen.lock().push(text);
    };
    for order in ["a1", "b1", "a2", "b2", "a3"] {
        send(&mq, "orders", order).await;
    }
    // Many lanes, so that two keys hardly share one; when they do, the order of both holds all the same.
    let worker = mq.worker("orders").concurrency(64).state(seen.clone()).state(gate.clone());
    let worker = start(worker.order_by(|message| message.message_id().unwrap()[..1].to_owned()), handler);
    home.eventually("a1 has begun", || [3, 5].contains(&home.unacked("orders"))).await;
    gate.add_permits(1);
    home.eventually("all are handled", || seen.lock().len() == 5).await;
    let of = |key: &str| seen.lock().iter().filter(|text| text.starts_with(key)).cloned().collect::<Vec<_>>();
    assert_eq!(
        (of("a"), of("b")),
        (vec!["a1".into(), "a2".into(), "a3".into()], vec!["b1".into(), "b2".into()])
    );
    worker.stop().await;
}

#[tokio::test]
async fn a_worker_that_cannot_work_says_what_to_do() {
    let home = Home::start().await;
    let mq = home.connect().await;
    let run = |queue: &str| mq.worker(queue).run(|| async {}, CancellationToken::new());
    let error = run("nobody's").await.unwrap_err();
    assert!(
        matches!(&error, WorkerError::NotDeclared(_)) && error.to_string().contains("call mq.declare(..)"),
        "{error}"
    );
    mq.declare(Queue::durable("plain")).await.unwrap();
    let error = run("plain").await.unwrap_err();
    assert!(
        matches!(&error, WorkerError::NoDeadLetters(_)) && error.to_string().contains(".dead_letter()"),
        "{error}"
    );
    mq.declare(Queue::durable("gone").discard_failed()).await.unwrap();
    mq.consuming().channel().await.unwrap().queue_delete("gone", Default::default()).await.unwrap();
    let error = run("gone").await.unwrap_err();
    assert!(error.to_string().contains("no queue 'gone'"), "{error}");
}

#[tokio::test]
async fn workers_of_an_application_start_and_stop_together() {
    let home = Home::start().await;
    let mq = home.connect().await;
    let topology = Topology::new()
        .queue(Queue::durable("a").discard_failed())
        .queue(Queue::durable("b").discard_failed());
    mq.declare(topology).await.unwrap();
    let stop = CancellationToken::new();
    let app = App::new()
        .worker(mq.worker("a").handler(|| async {}))
        .worker(mq.worker("b").handler(|_: Json<u32>| async {}));
    let app = tokio::spawn(app.run(stop.clone()));
    send(&mq, "a", "1").await;
    send(&mq, "b", "no json").await;
    home.expect_empty("a").await;
    home.expect_empty("b").await;
    stop.cancel();
    let report = app.await.unwrap().unwrap();
    assert_eq!((report.queues[0].1.acked, report.queues[1].1.discarded, report.total().acked), (1, 1, 1));

    let broken = App::new()
        .worker(mq.worker("a").handler(|| async {}))
        .worker(mq.worker("missing").handler(|| async {}));
    let error = broken.run(CancellationToken::new()).await.unwrap_err();
    assert!(
        matches!(error, AppError::Worker(WorkerError::NotDeclared(_))),
        "one that fails stops all: {error}"
    );
}

#[tokio::test]
async fn what_is_released_comes_again_and_is_no_attempt() {
    let (home, mq) = with_orders().await;
    send(&mq, "orders", "1").await;
    let seen: Log<(u32, bool)> = Arc::new(Mutex::default());
    let handler = |Attempt(attempt): Attempt,
                   Redelivered(again): Redelivered,
                   State(seen): State<Log<(u32, bool)>>| async move {
        seen.lock().push((attempt, again));
        if seen.lock().len() < 3 { Err(Failure::release("not now")) } else { Ok(()) }
    };
    tokio::time::pause();
    let worker = start(mq.worker("orders").state(seen.clone()), handler);
    home.expect_empty("orders").await;
    assert_eq!(*seen.lock(), [(1, false), (1, true), (1, true)]);
    assert!(home.messages("orders.dead").is_empty());
    let report = worker.stop().await;
    assert_eq!((report.released, report.acked, report.dead_lettered), (2, 1, 0));
}

/// The broker took a delivery of one channel out of the connection's mailbox when another channel was closed, and wrote it only when the
/// next thing came: a worker stood still.
#[tokio::test]
async fn a_channel_that_closes_holds_up_no_delivery_of_its_neighbours() {
    let (_home, mq) = with_orders().await;
    let mut consumer = mq.consuming().consumer(ConsumerOptions::new("orders", 16)).await.unwrap();
    for order in ["1", "2"] {
        drop(mq.consuming().channel().await.unwrap());
        send(&mq, "orders", order).await;
        let delivery = tokio::time::timeout(Duration::from_secs(5), consumer.next()).await.unwrap();
        delivery.unwrap().unwrap().ack().unwrap();
    }
}

/// Made for calls of ten milliseconds, and they take none.
#[tokio::test]
async fn the_prefetch_follows_what_handlers_take_and_nothing_is_lost_or_overtaken() {
    let home = Home::start().await;
    let mq = home.connect().await;
    home.pause_clock();
    mq.declare(Queue::durable("orders").dead_letter()).await.unwrap();
    let seen: Log<u32> = Log::default();
    let call = home.span(1);
    let handler = move |Text(order): Text, State(seen): State<Log<u32>>| async move {
        seen.lock().push(order.parse().unwrap());
        tokio::time::sleep(call).await;
    };
    let worker = mq.worker("orders").concurrency(1).prefetch(40).adaptive_prefetch().state(seen.clone());
    let worker = start(worker, handler);
    let publisher = mq.publisher("orders").build::<Text>().await.unwrap();
    let orders: Vec<String> = (0..150).map(|order| order.to_string()).collect();
    publisher.send_all(orders.iter().map(String::as_str)).await;
    let unacked = || home.unacked("orders");
    home.eventually("they are under way", || unacked() == 40).await;
    // Twenty calls are enough to say so; then the forty that had come are handled first.
    home.sleep(60).await;
    if !home.is_real() {
        // (A real broker tells of deliveries every five seconds, when they may be over.)
        home.eventually("fewer are, as is seen how long they take", || unacked() == 2).await;
    }
    home.sleep(90).await;
    home.expect_empty("orders").await;
    let report = worker.stop().await;
    assert_eq!((report.acked, report.requeued, report.stale), (150, 0, 0), "{report:?}");
    let mut seen = seen.lock().clone();
    if home.is_real() {
        // For as long as both consumers are there a broker may give to them in turns, and what the first has is handled first.
        seen.sort_unstable();
    }
    assert_eq!(seen, (0..150).collect::<Vec<_>>());
    assert_eq!(mq.consuming().dropped_unsettled(), 0);
}
