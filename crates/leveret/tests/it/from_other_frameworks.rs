//! The functions of `docs/guides/from-other-frameworks.md`, as they stand there, run against the broker in the test. (The codec for
//! MassTransit's envelope is a program of its own: the documentation's test runs it.)

#![allow(clippy::print_stdout)] // as the guide has it

mod first {
    use leveret::test::{TestBroker, connect};
    use leveret::{App, AppReport, BoxError, Classify, Failure, Json, Mq, Queue, Retry, State};
    use serde::{Deserialize, Serialize};
    use std::time::Duration;
    use tokio_util::sync::CancellationToken;

    #[derive(Serialize, Deserialize)]
    struct Order {
        id: u64,
        express: bool,
    }

    #[derive(Clone)]
    struct Carrier;

    impl Carrier {
        async fn book(&self, _: &Order) -> Result<(), std::io::Error> {
            Ok(())
        }
    }

    async fn ship(Json(order): Json<Order>, State(carrier): State<Carrier>) -> Result<(), Failure> {
        if order.id == 0 {
            return Err(Failure::permanent("no such order")); // to the dead letters at once
        }
        carrier.book(&order).await.transient() // again after a pause
    }

    async fn shipping(mq: Mq, stop: CancellationToken) -> Result<AppReport, BoxError> {
        let retry = Retry::exponential(Duration::from_secs(1), 2.0, 5).jitter(20); // then to `shipping.dead`
        mq.declare(Queue::durable("shipping").retry(retry).dead_letter()).await?;

        let shipping = mq.publisher("shipping").build::<Json<Order>>().await?;
        shipping.send(&Order { id: 42, express: true }).await?; // stored by the broker, or an error

        let worker = mq
            .worker("shipping")
            .concurrency(8) // handlers at a time; the prefetch follows from it
            .deadline(Duration::from_secs(30)) // for each message
            .state(Carrier)
            .handler(ship);
        Ok(App::new().worker(worker).run(stop).await?)
    }

    #[tokio::test]
    async fn an_order_is_shipped() {
        let broker = TestBroker::start().await;
        let stop = CancellationToken::new();
        let app = tokio::spawn(shipping(connect(&broker).await, stop.clone()));
        broker
            .eventually("the worker is there", || {
                broker.queue("shipping").is_some_and(|queue| queue.consumers == 1)
            })
            .await;
        broker.expect_empty("shipping").await;
        stop.cancel();
        assert_eq!(app.await.unwrap().unwrap().total().acked, 1);
    }
}

mod events {
    use leveret::test::{TestBroker, connect};
    use leveret::{Binding, BoxError, Exchange, Json, Mq, Queue, Routes, Topology, Worker};
    use tokio_util::sync::CancellationToken;

    async fn created(Json(_order): Json<u64>) {}

    async fn cancelled(Json(_order): Json<u64>) {}

    async fn mailer(mq: &Mq) -> Result<Worker, BoxError> {
        let topology = Topology::new()
            .exchange(Exchange::topic("events"))
            .queue(Queue::durable("mailer").dead_letter())
            .binding(Binding::new("mailer", "events", "order.*"));
        mq.declare(topology).await?;

        let events = mq.publisher_to("events", "order.created").message_type("order.created");
        events.build::<Json<u64>>().await?.send(&42).await?;

        let routes = Routes::new().on("order.created", created).on("order.cancelled", cancelled); // by the property `type`
        Ok(mq.worker("mailer").handler(routes))
    }

    #[tokio::test]
    async fn an_event_is_handled() {
        let broker = TestBroker::start().await;
        let worker = mailer(&connect(&broker).await).await.unwrap();
        broker.expect_message("mailer").body("42").await;
        let stop = CancellationToken::new();
        let worker = tokio::spawn(worker.run(stop.clone()));
        broker.expect_empty("mailer").await;
        stop.cancel();
        assert_eq!(worker.await.unwrap().unwrap().acked, 1);
    }
}

mod celery {
    use leveret::client::QueueDeclare;
    use leveret::test::{TestBroker, connect};
    use leveret::{BoxError, Failure, Headers, Idempotency, Json, MemoryStore, Mq, Queue, Worker};
    use serde::Deserialize;
    use std::time::Duration;
    use tokio_util::sync::CancellationToken;

    #[derive(Deserialize)]
    struct Kwargs {
        express: bool,
    }

    /// What Celery sends: the arguments, those with a name, and what is to be done after.
    type Task = ((u64,), Kwargs, serde_json::Value);

    async fn ship(Json(((order,), kwargs, _)): Json<Task>, Headers(headers): Headers) -> Result<(), Failure> {
        match headers.get("task").and_then(|task| task.as_str()) {
            Some("shop.ship") => println!("order {order}, express: {}", kwargs.express),
            task => return Err(Failure::permanent(format!("no such task: {task:?}")).reason("unknown-task")),
        }
        Ok(())
    }

    async fn celery_worker(mq: &Mq) -> Result<Worker, BoxError> {
        let pauses = [5, 15].map(Duration::from_secs);
        mq.declare(Queue::existing("celery").retry(pauses).dead_letter()).await?;
        let once = Idempotency::new(MemoryStore::default())
            .by(|message| Some(message.properties().headers.as_ref()?.get("id")?.as_str()?.to_owned()));
        Ok(mq.worker("celery").idempotent(once).handler(ship))
    }

    /// And the other way: a task for a Celery worker. `id` is a UUID, another for each task.
    async fn delay(mq: &Mq, order: u64, id: &str) -> Result<(), BoxError> {
        let celery = mq.publisher("celery").build::<Json<serde_json::Value>>().await?;
        let after = serde_json::json!({"callbacks": null, "errbacks": null, "chain": null, "chord": null});
        let task = serde_json::json!([[order], {"express": true}, after]);
        let send = celery.send_with(&task, |mut message| {
            message.properties.content_encoding = Some("utf-8".into()); // Celery takes no JSON without it
            message.properties.correlation_id = Some(id.into());
            message.header("task", "shop.ship").header("id", id)
        });
        send.await?;
        Ok(())
    }

    #[tokio::test]
    async fn a_task_is_handled_once() {
        let broker = TestBroker::start().await;
        let mq = connect(&broker).await;
        let channel = mq.consuming().channel().await.unwrap();
        channel.queue_declare("celery", QueueDeclare { durable: true, ..Default::default() }).await.unwrap();
        let worker = celery_worker(&mq).await.unwrap();
        for _ in 0..2 {
            delay(&mq, 42, "5a103607-77ab-4201-983a-a488d19e98cf").await.unwrap();
        }
        let stop = CancellationToken::new();
        let worker = tokio::spawn(worker.run(stop.clone()));
        broker.expect_empty("celery").await;
        stop.cancel();
        let report = worker.await.unwrap().unwrap();
        assert_eq!((report.acked, report.duplicates), (2, 1), "{report:?}");
    }
}

/// Each piece of the guide's snippets stands here, line by line, but for the programs around them.
#[test]
fn the_guide_shows_these_functions() {
    let lines = |text: &str| -> Vec<String> {
        let lines = text.lines().map(|line| line.trim().to_owned());
        lines.filter(|line| !line.is_empty() && !line.starts_with("use ")).collect()
    };
    let here = lines(include_str!("from_other_frameworks.rs"));
    let guide = include_str!("../../../../docs/guides/from-other-frameworks.md");
    let snippets =
        guide.split("```rust").skip(1).filter_map(|rest| rest.split("```").next()?.split_once('\n'));
    let mut compared = 0;
    for (_, snippet) in snippets.filter(|(_, snippet)| !snippet.contains("MassTransit")) {
        // A program's `main` connects to a broker that is there; its functions are what is run here.
        let (functions, _) = snippet.split_once("#[tokio::main]").unwrap_or((snippet, ""));
        for function in functions.split("\n\n").map(lines).filter(|function| !function.is_empty()) {
            let found = here.windows(function.len()).any(|window| window == function);
            assert!(found, "not run here:\n{}", function.join("\n"));
            compared += 1;
        }
    }
    assert!(compared >= 15, "{compared} pieces of the guide were found");
}
