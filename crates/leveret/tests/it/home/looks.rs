//! Looking into queues by AMQP, on a connection beside the test's and in threads of their own: whoever looks waits for the answer, so that
//! conditions of tests are plain functions.

use std::sync::{LazyLock, OnceLock, mpsc};
use std::time::Duration;

use leveret::client::{ConnectOptions, Connection, QueueDeclare};
use tokio::runtime::Runtime;

use super::View;

const WITHIN: Duration = Duration::from_secs(30);

/// The threads of everything that is beside the tests.
pub(super) static BESIDE: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
});

/// Waits, without a turn for anybody of the test's own thread.
pub(super) fn wait<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let (tell, told) = mpsc::channel();
    BESIDE.spawn(async move { tell.send(work.await) });
    told.recv_timeout(WITHIN).unwrap()
}

/// What is in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) ready: usize,
    pub(crate) unacked: usize,
}

pub(super) struct Looks {
    options: ConnectOptions,
    connection: OnceLock<Connection>,
}

impl Looks {
    pub(super) fn new(options: ConnectOptions) -> Self {
        Self { options, connection: OnceLock::new() }
    }

    fn connection(&self) -> Connection {
        let options = self.options.clone();
        let connect = || wait(async move { Connection::connect(options).await.unwrap() });
        self.connection.get_or_init(connect).clone()
    }

    /// `None`: there is no such queue.
    pub(super) fn ready(&self, queue: &str) -> Option<usize> {
        let (connection, queue) = (self.connection(), queue.to_owned());
        wait(async move {
            let channel = connection.channel().await.unwrap();
            let there = QueueDeclare { passive: true, ..QueueDeclare::default() };
            let declared = channel.queue_declare(&queue, there).await.ok()?;
            let _ = channel.close().await;
            Some(declared.messages as usize)
        })
    }

    /// All of them are taken and given back to their places, and that has happened when this returns.
    pub(super) fn messages(&self, queue: &str) -> Vec<View> {
        let Some(ready) = self.ready(queue) else { return Vec::new() };
        let (connection, queue) = (self.connection(), queue.to_owned());
        wait(async move {
            let channel = connection.channel().await.unwrap();
            let mut taken = Vec::new();
            while taken.len() < ready
                && let Some(got) = channel.basic_get(&queue, false).await.unwrap()
            {
                taken.push(got.delivery);
            }
            let view = |delivery: &leveret::client::Delivery| View {
                routing_key: delivery.routing_key().to_owned(),
                properties: delivery.properties().unwrap(),
                body: delivery.body().clone(),
            };
            let views = taken.iter().map(view).collect();
            for delivery in taken.into_iter().rev() {
                delivery.nack(true).unwrap();
            }
            // Whatever is asked of the queue after that on this channel is answered after it.
            let there = QueueDeclare { passive: true, ..QueueDeclare::default() };
            let _ = channel.queue_declare(&queue, there).await;
            let _ = channel.close().await;
            views
        })
    }
}
