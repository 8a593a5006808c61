//! A broker to speak to, names nobody else uses, and a look from outside.

pub(crate) mod pipe;
mod relay;
mod tap;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use leveret_broker::{Broker, Config};
use leveret_client::options::{BackoffOptions, RecoveryOptions};
use leveret_client::{
    Channel, ConnectOptions, Connection, Consumer, Delivery, Error, PublisherOptions, QueueDeclare,
};
use tokio::time::{sleep, timeout};

pub(crate) use relay::Relay;
pub(crate) use tap::Tap;

/// No test waits longer for one thing.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// A broker: one in the process, or the one at `LEVERET_CLIENT_URL`. Both are spoken to by sockets.
pub(crate) struct Target {
    options: ConnectOptions,
    /// Queues and exchanges to be deleted at the end.
    names: Mutex<Vec<String>>,
    in_process: Option<Broker>,
}

impl Target {
    pub(crate) async fn start() -> Self {
        if std::env::var_os("LEVERET_CLIENT_LOG").is_some() {
            let _ = tracing_subscriber::fmt().with_writer(std::io::stderr).try_init();
        }
        let names = Mutex::default();
        if let Ok(url) = std::env::var("LEVERET_CLIENT_URL") {
            return Self { options: quick(ConnectOptions::new(url).unwrap()), names, in_process: None };
        }
        Self::in_process(Config::default()).await
    }

    /// One in the process, that runs short of memory with 64 KiB of messages.
    pub(crate) async fn short_of_memory() -> Self {
        let mut config = Config::default();
        config.limits.memory_high_watermark_bytes = 64 << 10;
        Self::in_process(config).await
    }

    async fn in_process(config: Config) -> Self {
        let names = Mutex::default();
        let broker = Broker::start(config).unwrap();
        let address = broker.listen_amqp("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let options = quick(ConnectOptions::new(format!("amqp://{address}")).unwrap());
        Self { options, names, in_process: Some(broker) }
    }

    /// How to reach it; comes back quickly when the connection is lost.
    pub(crate) fn options(&self) -> ConnectOptions {
        self.options.clone()
    }

    pub(crate) async fn connect(&self) -> Connection {
        Connection::connect(self.options()).await.unwrap()
    }

    /// A way to it that can be cut.
    pub(crate) async fn relay(&self) -> Relay {
        Relay::start(self.options()).await
    }

    /// A name for a queue or exchange of this test. It is deleted with the target.
    pub(crate) fn fresh(&self, what: &str) -> String {
        let name = fresh(what);
        self.names.lock().unwrap().push(name.clone());
        name
    }

    /// Ready messages and consumers of a queue, as a second connection is told; `None`: there is no such queue.
    pub(crate) async fn look(&self, queue: &str) -> Option<(u32, u32)> {
        let connection = self.connect().await;
        let channel = connection.channel().await.unwrap();
        let found = channel.queue_declare(queue, passive()).await;
        connection.close(SOON).await.unwrap();
        match found {
            Ok(queue) => Some((queue.messages, queue.consumers)),
            Err(error) if error.reply_code() == Some(404) => None,
            Err(error) => panic!("{queue}: {error}"),
        }
    }

    /// Waits until the queue has so many ready messages and consumers.
    pub(crate) async fn wait_for(&self, queue: &str, messages: u32, consumers: u32) {
        let mut seen = None;
        let found = timeout(SOON, async {
            while seen != Some((messages, consumers)) {
                seen = self.look(queue).await;
                sleep(Duration::from_millis(10)).await;
            }
        });
        if found.await.is_err() {
            panic!("{queue} never had {messages} messages and {consumers} consumers, but {seen:?}");
        }
    }

    /// A queue that outlives connections, for the test alone.
    pub(crate) async fn queue(&self, channel: &Channel, what: &str) -> String {
        let name = self.fresh(what);
        let how = QueueDeclare { durable: true, ..QueueDeclare::default() };
        channel.queue_declare(&name, how).await.unwrap();
        name
    }

    /// Sends these bodies to a queue, confirmed.
    pub(crate) async fn fill(&self, queue: &str, bodies: impl IntoIterator<Item = String>) {
        let connection = self.connect().await;
        let publisher = connection.publisher(PublisherOptions::to_queue(queue.to_owned())).await.unwrap();
        for outcome in publisher.send_all(bodies).await {
            outcome.unwrap();
        }
        connection.close(SOON).await.unwrap();
    }
}

/// A name that no other test has.
pub(crate) fn fresh(what: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("client-test-{what}-{}-{number}", std::process::id())
}

/// What a test made in somebody else's broker goes, also when the test has failed.
impl Drop for Target {
    fn drop(&mut self) {
        let names = std::mem::take(&mut *self.names.lock().unwrap());
        if self.in_process.is_some() || names.is_empty() {
            return;
        }
        let options = self.options();
        // A thread with a runtime of its own: the test's cannot wait in here.
        let cleaning = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { timeout(SOON, clean(options, names)).await }).is_ok()
        });
        if !matches!(cleaning.join(), Ok(true)) {
            #[allow(clippy::print_stderr)]
            {
                eprintln!("queues and exchanges of this test are left in the broker");
            }
        }
    }
}

async fn clean(options: ConnectOptions, names: Vec<String>) {
    let Ok(connection) = Connection::connect(options).await else { return };
    for name in names {
        // What is not there, or was another connection's and went with it, is refused.
        let Ok(channel) = connection.channel().await else { return };
        let _: Result<u32, Error> = channel.queue_delete(&name, Default::default()).await;
        let Ok(channel) = connection.channel().await else { return };
        let _: Result<(), Error> = channel.exchange_delete(&name, Default::default()).await;
    }
    let _ = connection.close(SOON).await;
}

/// Short pauses between attempts to connect.
fn quick(options: ConnectOptions) -> ConnectOptions {
    let backoff = BackoffOptions::default().first(Duration::from_millis(2)).max(Duration::from_millis(20));
    options.recovery(RecoveryOptions::default().backoff(backoff))
}

pub(crate) fn passive() -> QueueDeclare {
    QueueDeclare { passive: true, ..QueueDeclare::default() }
}

pub(crate) fn exclusive() -> QueueDeclare {
    QueueDeclare { exclusive: true, ..QueueDeclare::default() }
}

/// The next delivery, which comes soon.
pub(crate) async fn next(consumer: &mut Consumer) -> Delivery {
    let next = timeout(SOON, consumer.next()).await.expect("nothing is delivered");
    next.expect("the consumer has ended").expect("a delivery")
}

pub(crate) fn text(delivery: &Delivery) -> &str {
    std::str::from_utf8(delivery.body()).unwrap()
}
