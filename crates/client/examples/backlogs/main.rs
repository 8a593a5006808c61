//! Great backlogs of messages that wait, and what a broker makes of them. `conformance/measure-queues` runs it and adds memory and CPU.
//!
//! - `backlogs URI schedules-fill COUNT`: delayed messages that are due in hours and in years
//! - `backlogs URI schedules-fire COUNT SECONDS RATE`: more that are due within SECONDS, at moments that are spread evenly, while RATE
//!   messages a second go through another queue; how late they come
//! - `backlogs URI retries COUNT SECONDS RATE`: messages that fail once and whose retries are spread over SECONDS; how late they come
//! - `backlogs URI retries-fill COUNT`: messages that fail once and then wait for hours
//! - `backlogs URI priorities-fill COUNT`, `backlogs URI priorities-drain COUNT`: ten priorities, lying there at the same time
//!
//! What is late is late by this program's clock, from handing a message over to getting it back: the way there and back is in it.
#![allow(clippy::print_stdout)]

mod late;
mod load;
mod priorities;
mod retries;
mod schedules;

use std::error::Error;
use std::time::Instant;

use leveret_client::{Connection, Publisher};

type Failure = Box<dyn Error + Send + Sync>;

/// Unconfirmed messages at most.
const WINDOW: usize = 20_000;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [uri, mode, numbers @ ..] = &arguments[..] else {
        return Err("backlogs URI MODE COUNT [SECONDS RATE]; the modes are in the source".into());
    };
    let number = |place: usize| -> Result<u64, Failure> {
        Ok(numbers.get(place).ok_or("a number is missing")?.parse()?)
    };
    let connection = Connection::connect(uri.as_str()).await?;
    match mode.as_str() {
        "schedules-fill" => schedules::fill(&connection, number(0)?).await,
        "schedules-fire" => schedules::fire(uri, &connection, number(0)?, number(1)?, number(2)?).await,
        "retries" => retries::run(uri, &connection, number(0)?, number(1)?, number(2)?).await,
        "retries-fill" => retries::fill(uri, &connection, number(0)?).await,
        "priorities-fill" => priorities::fill(&connection, number(0)?).await,
        "priorities-drain" => priorities::drain(&connection, number(0)?).await,
        other => Err(format!("no mode {other:?}").into()),
    }
}

/// Waits for the confirms, and says how fast it went.
async fn filled(publisher: &Publisher, count: u64, began: Instant) -> Result<(), Failure> {
    publisher.flush().await?;
    println!("{:.0} a second taken and confirmed", count as f64 / began.elapsed().as_secs_f64());
    Ok(())
}
