//! The smallest program with a broker in it.
use leveret_broker::{Broker, Config};
#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:5672".into());
    let broker = Broker::start(Config::default())?;
    broker.listen_amqp(address.parse()?).await?;
    std::future::pending::<()>().await;
    Ok(())
}
