use crate::{Job, Meter};
use futures::StreamExt;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
    QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Connection, ConnectionProperties};
use std::collections::VecDeque;

pub async fn run(job: Job) {
    if job.workload == "idle" {
        let before = Meter::memory_kib();
        let mut all = Vec::new();
        for _ in 0..job.count {
            all.push(Connection::connect(&job.url, ConnectionProperties::default()).await.unwrap());
        }
        return Meter::print_idle("lapin", before, job.count);
    }
    let connection = Connection::connect(&job.url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let queue = job.queue.as_str();
    channel.queue_declare(queue.into(), QueueDeclareOptions::default(), FieldTable::default()).await.unwrap();
    if matches!(job.workload.as_str(), "confirm" | "sync") {
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    }
    let body = vec![b'x'; job.size];
    let publish = || {
        channel.basic_publish(
            "".into(),
            queue.into(),
            BasicPublishOptions::default(),
            &body,
            BasicProperties::default(),
        )
    };
    let meter = match job.workload.as_str() {
        "fire" => {
            let meter = Meter::start();
            for _ in 0..job.count {
                let _ = publish().await.unwrap();
            }
            // What was handed over is written when this is answered.
            channel.basic_qos(1000, BasicQosOptions::default()).await.unwrap();
            meter
        }
        "confirm" => {
            let meter = Meter::start();
            let mut waiting = VecDeque::with_capacity(1024);
            for _ in 0..job.count {
                if waiting.len() == 1000 {
                    let first: lapin::PublisherConfirm = waiting.pop_front().unwrap();
                    first.await.unwrap();
                }
                waiting.push_back(publish().await.unwrap());
            }
            for confirm in waiting {
                confirm.await.unwrap();
            }
            meter
        }
        "sync" => {
            let meter = Meter::start();
            for _ in 0..job.count {
                publish().await.unwrap().await.unwrap();
            }
            meter
        }
        "consume" => {
            for _ in 0..job.count {
                let _ = publish().await.unwrap();
            }
            channel.basic_qos(1000, BasicQosOptions::default()).await.unwrap();
            let meter = Meter::start();
            let mut consumer = channel
                .basic_consume(
                    queue.into(),
                    "c".into(),
                    BasicConsumeOptions::default(),
                    FieldTable::default(),
                )
                .await
                .unwrap();
            for _ in 0..job.count {
                let delivery = consumer.next().await.unwrap().unwrap();
                delivery.ack(BasicAckOptions::default()).await.unwrap();
            }
            channel.basic_qos(1000, BasicQosOptions::default()).await.unwrap();
            meter
        }
        other => panic!("no workload {other}"),
    };
    meter.print("lapin", &job);
    channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await.unwrap();
    connection.close(200, "done".into()).await.unwrap();
}
