//! A worker that runs beside the test, and what its handler was called with.

use std::sync::Arc;

use leveret::client::FieldValue;
use leveret::{DrainReport, Handler, Mq, WorkerBuilder, WorkerError};
use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::home::{Home, View};

/// Something that handlers write down.
pub(crate) type Log<T> = Arc<Mutex<Vec<T>>>;

/// A worker under way.
pub(crate) struct Running {
    stop: CancellationToken,
    task: JoinHandle<Result<DrainReport, WorkerError>>,
}

pub(crate) fn start<A: 'static>(worker: WorkerBuilder, handler: impl Handler<A>) -> Running {
    let stop = CancellationToken::new();
    let task = tokio::spawn(worker.handler(handler).run(stop.clone()));
    Running { stop, task }
}

impl Running {
    pub(crate) fn tell(&self) {
        self.stop.cancel();
    }

    pub(crate) async fn stop(self) -> DrainReport {
        self.stop.cancel();
        self.task.await.unwrap().unwrap()
    }
}

pub(crate) async fn send(mq: &Mq, queue: &str, body: &str) {
    let publisher = mq.publisher(queue).build::<leveret::Text>().await.unwrap();
    publisher.send_with(body, |message| message.message_id(body)).await.unwrap();
}

/// Header of a message as text: texts as they are, numbers in digits.
pub(crate) fn header(message: &View, name: &str) -> String {
    let value = message.header(name);
    let text = value.and_then(FieldValue::as_str).map(str::to_owned);
    text.or_else(|| value?.as_i64().map(|number| number.to_string())).unwrap_or_else(|| format!("{value:?}"))
}

/// The one message of a queue, when it is there.
#[track_caller]
pub(crate) fn only(home: &Home, queue: &str) -> impl Future<Output = View> {
    let there = home.eventually(format!("there is one message in {queue}"), || home.ready(queue) == Some(1));
    async move {
        there.await;
        home.messages(queue).remove(0)
    }
}
