//! Pipelined confirms over TCP: `throughput URI MESSAGES BYTES`.

use std::time::Instant;

use bytes::Bytes;
use leveret_client::{Connection, Message, PublisherOptions, QueueDeclare};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let uri = arguments.next().unwrap_or_else(|| "amqp://localhost".into());
    let count: usize = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let size: usize = arguments.next().map_or(Ok(16), |text| text.parse())?;
    let connection = Connection::connect(uri.as_str()).await?;
    let how = QueueDeclare { exclusive: true, ..Default::default() };
    let queue = connection.channel().await?.queue_declare("", how).await?.name;
    let options = PublisherOptions::to_queue(queue).persistent(false).message_ids(false);
    let publisher = connection.publisher(options).await?;
    let body = Bytes::from(vec![b'x'; size]);
    let began = Instant::now();
    for _ in 0..count {
        drop(publisher.enqueue(Message::new(body.clone())).await?);
    }
    publisher.flush().await?;
    let seconds = began.elapsed().as_secs_f64();
    #[allow(clippy::print_stdout)]
    {
        println!("{count} messages of {size} B confirmed in {seconds:.2} s: {:.0}/s", count as f64 / seconds);
    }
    Ok(())
}
