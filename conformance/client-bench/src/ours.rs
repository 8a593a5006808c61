use crate::{Job, Meter};
use leveret_client::{Connection, ConsumerOptions, Message, PublisherOptions, QueueDeclare};
use std::time::Duration;

pub async fn run(job: Job) {
    if job.workload == "idle" {
        let before = Meter::memory_kib();
        let mut all = Vec::new();
        for _ in 0..job.count {
            all.push(Connection::connect(job.url.as_str()).await.unwrap());
        }
        return Meter::print_idle("leveret", before, job.count);
    }
    let connection = Connection::connect(job.url.as_str()).await.unwrap();
    let channel = connection.channel().await.unwrap();
    channel.queue_declare(&job.queue, QueueDeclare::default()).await.unwrap();
    let body = bytes::Bytes::from(vec![b'x'; job.size]);
    let options = PublisherOptions::to_queue(job.queue.clone())
        .persistent(false)
        .confirms(!matches!(job.workload.as_str(), "fire" | "consume"))
        .in_flight(1000, 64 << 20)
        .message_ids(false);
    let publisher = connection.publisher(options).await.unwrap();
    let meter = match job.workload.as_str() {
        "fire" => {
            let meter = Meter::start();
            for _ in 0..job.count {
                let _ = publisher.enqueue(Message::new(body.clone())).await.unwrap();
            }
            publisher.flush().await.unwrap();
            meter
        }
        "confirm" => {
            let meter = Meter::start();
            let mut waiting = std::collections::VecDeque::with_capacity(1024);
            for _ in 0..job.count {
                if waiting.len() == 1000 {
                    let first: leveret_client::Confirm = waiting.pop_front().unwrap();
                    first.await.unwrap();
                }
                waiting.push_back(publisher.enqueue(Message::new(body.clone())).await.unwrap());
            }
            for confirm in waiting {
                confirm.await.unwrap();
            }
            meter
        }
        "sync" => {
            let meter = Meter::start();
            for _ in 0..job.count {
                publisher.send(Message::new(body.clone())).await.unwrap();
            }
            meter
        }
        "consume" => {
            for _ in 0..job.count {
                let _ = publisher.enqueue(Message::new(body.clone())).await.unwrap();
            }
            publisher.flush().await.unwrap();
            let meter = Meter::start();
            let mut consumer =
                connection.consumer(ConsumerOptions::new(job.queue.clone(), 1000)).await.unwrap();
            for _ in 0..job.count {
                consumer.next().await.unwrap().unwrap().ack().unwrap();
            }
            consumer.drain(Duration::from_secs(10)).await.unwrap();
            meter
        }
        other => panic!("no workload {other}"),
    };
    meter.print("leveret", &job);
    channel.queue_delete(&job.queue, Default::default()).await.unwrap();
    connection.close(Duration::from_secs(5)).await.unwrap();
}
