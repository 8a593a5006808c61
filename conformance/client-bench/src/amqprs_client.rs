use crate::{Job, Meter};
use amqprs::callbacks::{ChannelCallback, DefaultConnectionCallback};
use amqprs::channel::{
    BasicAckArguments, BasicConsumeArguments, BasicPublishArguments, BasicQosArguments, Channel,
    ConfirmSelectArguments, QueueDeclareArguments, QueueDeleteArguments,
};
use amqprs::connection::{Connection, OpenConnectionArguments};
use amqprs::{Ack, BasicProperties, Cancel, CloseChannel, Nack, Return};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tokio::sync::Notify;

/// amqprs gives confirms to a callback; who waits for them counts.
#[derive(Default)]
struct Confirmed {
    through: AtomicU64,
    more: Notify,
}

struct Callback(Arc<Confirmed>);

type Result<T> = std::result::Result<T, amqprs::error::Error>;

#[async_trait::async_trait]
impl ChannelCallback for Callback {
    async fn close(&mut self, _: &Channel, _: CloseChannel) -> Result<()> {
        Ok(())
    }
    async fn cancel(&mut self, _: &Channel, _: Cancel) -> Result<()> {
        Ok(())
    }
    async fn flow(&mut self, _: &Channel, active: bool) -> Result<bool> {
        Ok(active)
    }
    async fn publish_ack(&mut self, _: &Channel, ack: Ack) {
        if ack.mutiple() {
            self.0.through.store(ack.delivery_tag(), Relaxed);
        } else {
            self.0.through.fetch_add(1, Relaxed);
        }
        self.0.more.notify_one();
    }
    async fn publish_nack(&mut self, _: &Channel, _: Nack) {}
    async fn publish_return(&mut self, _: &Channel, _: Return, _: BasicProperties, _: Vec<u8>) {}
}

pub async fn run(job: Job) {
    let port =
        job.url.rsplit(':').next().and_then(|rest| rest.split('/').next()).and_then(|port| port.parse().ok());
    let arguments = OpenConnectionArguments::new("127.0.0.1", port.unwrap_or(5672), "guest", "guest");
    if job.workload == "idle" {
        let before = Meter::memory_kib();
        let mut all = Vec::new();
        for _ in 0..job.count {
            all.push(Connection::open(&arguments).await.unwrap());
        }
        return Meter::print_idle("amqprs", before, job.count);
    }
    let connection = Connection::open(&arguments).await.unwrap();
    connection.register_callback(DefaultConnectionCallback).await.unwrap();
    let channel = connection.open_channel(None).await.unwrap();
    let confirmed = Arc::new(Confirmed::default());
    channel.register_callback(Callback(confirmed.clone())).await.unwrap();
    channel.queue_declare(QueueDeclareArguments::new(&job.queue)).await.unwrap();
    if matches!(job.workload.as_str(), "confirm" | "sync") {
        channel.confirm_select(ConfirmSelectArguments::default()).await.unwrap();
    }
    let body = vec![b'x'; job.size];
    let arguments = BasicPublishArguments::new("", &job.queue);
    let publish = || channel.basic_publish(BasicProperties::default(), body.clone(), arguments.clone());
    let until = async |count: u64| {
        while confirmed.through.load(Relaxed) < count {
            confirmed.more.notified().await;
        }
    };
    let qos = || channel.basic_qos(BasicQosArguments::new(0, 1000, false));
    let meter = match job.workload.as_str() {
        "fire" => {
            let meter = Meter::start();
            for _ in 0..job.count {
                publish().await.unwrap();
            }
            qos().await.unwrap();
            meter
        }
        "confirm" | "sync" => {
            let window = if job.workload == "sync" { 1 } else { 1000 };
            let meter = Meter::start();
            for number in 1..=job.count {
                publish().await.unwrap();
                until((number + 1).saturating_sub(window)).await;
            }
            until(job.count).await;
            meter
        }
        "consume" => {
            for _ in 0..job.count {
                publish().await.unwrap();
            }
            qos().await.unwrap();
            let meter = Meter::start();
            let (_, mut deliveries) =
                channel.basic_consume_rx(BasicConsumeArguments::new(&job.queue, "c")).await.unwrap();
            for _ in 0..job.count {
                let delivery = deliveries.recv().await.unwrap();
                let tag = delivery.deliver.unwrap().delivery_tag();
                channel.basic_ack(BasicAckArguments::new(tag, false)).await.unwrap();
            }
            qos().await.unwrap();
            meter
        }
        other => panic!("no workload {other}"),
    };
    meter.print("amqprs", &job);
    channel.queue_delete(QueueDeleteArguments::new(&job.queue)).await.unwrap();
    let _ = connection.close().await;
}
