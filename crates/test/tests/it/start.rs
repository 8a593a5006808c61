use crate::support::*;
use leveret_client::{ConnectOptions, Connection, QueueDeclare};
use leveret_protocol::methods::channel;
use leveret_test::TestBroker;
use std::time::{Duration, Instant};

#[tokio::test]
async fn it_starts_in_less_than_two_milliseconds() {
    TestBroker::start().await;
    let mut times = Vec::new();
    for _ in 0..21 {
        let began = Instant::now();
        let broker = TestBroker::start().await;
        times.push(began.elapsed());
        drop(broker);
    }
    times.sort();
    println!("start: median {:?}, slowest {:?}", times[10], times[20]);
    assert!(times[10] < Duration::from_millis(2), "{times:?}");
}

#[tokio::test]
async fn two_brokers_know_nothing_of_each_other() {
    let (one, other) = (TestBroker::start().await, TestBroker::start().await);
    Raw::to(&one).await.call(declare("q")).await;
    assert!(one.queue("q").is_some());
    assert!(other.queues().is_empty() && other.connections().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_works_with_several_threads() {
    let broker = TestBroker::start().await;
    let mut raw = Raw::to(&broker).await;
    raw.call(declare("q")).await;
    raw.publish("q", "one").await;
    broker.expect_message("q").body("one").await;
    broker.faults().open().drop_now(leveret_test::Ending::Close);
    assert_eq!(raw.arrived(&broker).await, ["end"]);
}

#[tokio::test(start_paused = true)]
async fn it_works_with_a_paused_clock_of_tokio() {
    let broker = TestBroker::start().await;
    let client = broker.client().await;
    client.channel().await.unwrap().queue_declare("q", QueueDeclare::default()).await.unwrap();
    assert!(broker.queue("q").is_some());
}

#[tokio::test]
async fn foreign_clients_connect_to_its_port_and_ours_by_url() {
    let broker = TestBroker::start().await;
    let url = broker.url().await;
    assert_eq!(url, broker.url().await);
    assert!(url.starts_with("amqp://guest:guest@127.0.0.1:"), "{url}");
    let client = Connection::connect(ConnectOptions::new(&*url).unwrap().name("by url")).await.unwrap();
    client.channel().await.unwrap().queue_declare("q", QueueDeclare::default()).await.unwrap();
    assert!(broker.queue("q").is_some());
    assert_eq!(broker.connections()[0].name.as_deref(), Some("by url"));
}

#[tokio::test]
async fn settings_users_hosts_and_definitions_are_there_also_after_a_restart() {
    let definitions = r#"{"vhosts": [{"name": "d"}], "queues": [{"name": "jobs", "vhost": "d", "durable": true,
        "auto_delete": false, "arguments": {}}]}"#;
    let builder = TestBroker::builder().vhost("v").user("app", "secret").definitions(definitions).unwrap();
    let broker =
        builder.config(|config| config.limits.channels_per_connection_max = 1).start().await.unwrap();
    for round in 0..2 {
        for vhost in ["/", "v", "d"] {
            let options = broker.client_options().credentials("app", "secret").vhost(vhost);
            let client = broker.client_with(options).await;
            let _channel = client.channel().await.unwrap();
            assert!(client.channel().await.is_err(), "one channel is the most");
        }
        assert!(broker.queue_in("d", "jobs").is_some(), "round {round}");
        assert!(broker.queue("jobs").is_none());
        broker.restart().await.unwrap();
    }
    assert!(TestBroker::builder().definitions("{").is_err());
}

#[tokio::test]
async fn with_the_last_handle_everything_ends() {
    let broker = TestBroker::start().await;
    let other = broker.clone();
    let connector = broker.connector();
    let mut raw = Raw::to(&broker).await;
    drop(broker);
    assert_eq!(raw.call(channel::Flow { active: true }).await, "channel.flow-ok");
    drop(other);
    assert_eq!(raw.next().await, "end");
    let error = connector.connect().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
}
