//! The application against a broker inside the test: [`TestBroker`] is the real one, on a clock that the test moves.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use leveret::test::{TestBroker, connect};
//! use leveret::{Queue, Text};
//!
//! let broker = TestBroker::start().await;
//! let mq = connect(&broker).await;
//! mq.declare(Queue::durable("orders").dead_letter()).await?;
//! mq.publisher("orders").build::<Text>().await?.send("one coffee").await?;
//! broker.expect_message("orders").body("one coffee").await;
//! # Ok(()) }
//! ```

pub use leveret_test::{At, Cut, Cuts, Direction, Ending, Faults, MessageView, TestBroker};

use crate::mq::{Mq, MqOptions};

/// Connects to it without a socket, coming back within milliseconds after a fault.
///
/// # Panics
/// It cannot be reached; the text says why, and how the broker is.
pub async fn connect(broker: &TestBroker) -> Mq {
    connect_with(broker, |options| options).await
}

/// The same with other options.
///
/// # Panics
/// As [`connect`].
pub async fn connect_with(broker: &TestBroker, change: impl FnOnce(MqOptions) -> MqOptions) -> Mq {
    let options = change(MqOptions::new(broker.client_options()));
    match Mq::connect_over(broker.connector().into(), options).await {
        Ok(mq) => mq,
        Err(error) => panic!("no connection to the test broker: {error}\n{}", broker.state()),
    }
}

/// Runs the example of a documentation test with a handle to a broker of its own. `Err` fails the test.
///
/// # Panics
/// The example fails, or takes longer than a minute.
#[doc(hidden)]
pub fn run_example<F, T>(example: F)
where
    F: FnOnce(Mq) -> T,
    T: Future<Output = Result<(), Box<dyn std::error::Error>>>,
{
    let run = async {
        let broker = TestBroker::start().await;
        example(connect(&broker).await).await
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
