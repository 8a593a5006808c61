//! Examples in documentation are run, each against a broker of its own.

use std::error::Error;

use leveret_client::{Bind, Connection, ExchangeDeclare, QueueDeclare};

use crate::TestBroker;

/// Runs the example of a documentation test: with a connection to a broker that has a durable queue `orders`, and a topic exchange
/// `events` which leads there. `Err` fails the test.
///
/// # Panics
/// The example fails, or takes longer than a minute.
#[doc(hidden)]
pub fn run_example<F, T>(example: F)
where
    F: FnOnce(Connection) -> T,
    T: Future<Output = Result<(), Box<dyn Error>>>,
{
    let run = async {
        let broker = TestBroker::start().await;
        let connection = broker.client().await;
        let channel = connection.channel().await?;
        let durable = QueueDeclare { durable: true, ..QueueDeclare::default() };
        channel.queue_declare("orders", durable).await?;
        channel.exchange_declare("events", "topic", ExchangeDeclare::default()).await?;
        let all = Bind { routing_key: "#".into(), ..Bind::default() };
        channel.queue_bind("orders", "events", all).await?;
        example(connection).await
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => panic!("no runtime: {error}"),
    };
    match runtime.block_on(async { tokio::time::timeout(std::time::Duration::from_secs(60), run).await }) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => panic!("the example fails: {error}"),
        Err(_) => panic!("the example does not end"),
    }
}
