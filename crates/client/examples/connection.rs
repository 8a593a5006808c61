//! States of a connection: `connection [URL]`. Stop the broker and start it again while it runs; ctrl-c ends it.
#![allow(clippy::print_stdout)]

use std::time::Duration;

use leveret_client::{ConnectOptions, Connection, ConnectionState};

fn url() -> String {
    let given = std::env::args().nth(1).or_else(|| std::env::var("AMQP_URL").ok());
    given.unwrap_or_else(|| "amqp://guest:guest@localhost:5672/".into())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = ConnectOptions::new(url())?.name("example connection");
    println!("connecting to {}", options.addresses[0]);
    let connection = Connection::connect(options).await?;
    let mut states = connection.watch();
    println!("connected; stop the broker and start it again, or press ctrl-c");
    loop {
        tokio::select! {
            changed = states.changed() => changed?,
            interrupted = tokio::signal::ctrl_c() => {
                interrupted?;
                break;
            }
        }
        match &*states.borrow_and_update() {
            ConnectionState::Connected => println!("connected"),
            ConnectionState::Blocked { reason } => println!("the broker takes no messages: {reason}"),
            ConnectionState::Recovering { attempt, cause } => println!("lost, attempt {attempt}: {cause}"),
            other => println!("{other:?}"),
        }
    }
    connection.close(Duration::from_secs(5)).await?;
    println!("closed in order");
    Ok(())
}
