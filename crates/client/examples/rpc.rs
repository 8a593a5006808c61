//! Questions and answers over direct reply-to: `rpc [URL]`.
#![allow(clippy::print_stdout)]

use std::time::{Duration, Instant};

use leveret_client::{Connection, ConsumerOptions, Message, QueueDeclare, RpcClient};

fn url() -> String {
    let given = std::env::args().nth(1).or_else(|| std::env::var("AMQP_URL").ok());
    given.unwrap_or_else(|| "amqp://guest:guest@localhost:5672/".into())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let connection = Connection::connect(url().as_str()).await?;
    let channel = connection.channel().await?;
    let exclusive = QueueDeclare { exclusive: true, ..QueueDeclare::default() };
    let queue = channel.queue_declare("", exclusive).await?.name;
    let mut requests = connection.consumer(ConsumerOptions::new(queue.clone(), 100)).await?;
    tokio::spawn(async move {
        while let Some(Ok(request)) = requests.next().await {
            let answer = request.body().to_ascii_uppercase();
            if channel.reply(&request, answer).await.is_ok() {
                let _ = request.ack(); // stale after a loss: the request comes again
            }
        }
    });

    let client = RpcClient::new(&connection).await?;
    let ask =
        |text: String| client.call(Message::new(text).routing_key(queue.clone()), Duration::from_secs(5));
    let answer = ask("one coffee".into()).await?;
    println!("one coffee -> {}", String::from_utf8_lossy(answer.body()));
    let began = Instant::now();
    for n in 0..1_000 {
        drop(ask(format!("question {n}")).await?);
    }
    println!("1000 questions, one after the other: {:?} each", began.elapsed() / 1_000);
    let nobody = Message::new("hello?").routing_key("no such queue");
    if let Err(error) = client.call(nobody, Duration::from_millis(500)).await {
        println!("hello? -> {error}");
    }
    connection.close(Duration::from_secs(5)).await?;
    Ok(())
}
