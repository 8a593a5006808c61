//! Kills nodes of a RabbitMQ cluster under load: nothing that was confirmed is lost, nobody hangs, everybody goes on at another node.
//!
//! `conformance/cluster/run` starts the cluster and this.
#![allow(clippy::print_stdout)]

mod load;
mod nodes;
mod tally;

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use load::{Load, QUEUE};
use nodes::{COUNT, Nodes};

type Failure = Box<dyn Error + Send + Sync>;

/// How long the load runs before, between and after what is done to the nodes.
const CALM: Duration = Duration::from_secs(5);
/// After a node died, confirms and deliveries go on within this time: the cluster elects a leader, clients move.
const GOES_ON_WITHIN: Duration = Duration::from_secs(15);
/// What was confirmed has come within this time after the last publishing.
const DRAINED_WITHIN: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let (Some(script), Some(base)) = (arguments.next(), arguments.next()) else {
        return Err("leveret-cluster SCRIPT BASE_PORT; conformance/cluster/run calls it".into());
    };
    let nodes = Nodes::new(script, base.parse()?);
    let ports: Vec<u16> = nodes.ports().collect();
    load::declare(&load::connect(&ports, 0, "declaring").await?).await?;
    let load = Arc::new(Load::default());
    let mut workers = load.consume(&ports).await?;
    let mut publishers = load.publish(&ports).await?;
    let script = async {
        tokio::time::sleep(CALM).await;
        silences("nothing happens to the nodes", &load)?;
        let leader = nodes.leader(QUEUE).await?;
        loses("a follower", (leader + 1) % COUNT, &nodes, &load).await?;
        let leader = nodes.leader(QUEUE).await?;
        loses("the leader", leader, &nodes, &load).await
    };
    tokio::select! {
        done = script => done?,
        Some(ended) = publishers.join_next() => return Err(format!("a publisher ended: {ended:?}").into()),
        Some(ended) = workers.join_next() => return Err(format!("a worker ended: {ended:?}").into()),
    }
    load.is_over.store(true, Ordering::Relaxed);
    let ended = async {
        while let Some(ended) = publishers.join_next().await {
            ended??;
        }
        Ok::<_, Failure>(())
    };
    tokio::time::timeout(DRAINED_WITHIN, ended).await.map_err(|_| "a publisher hangs")??;
    let began = Instant::now();
    while !load.confirmed.missing_in(&load.received).is_empty() && began.elapsed() < DRAINED_WITHIN {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    workers.shutdown().await;
    let lost = load.confirmed.missing_in(&load.received);
    let (repeated, more) = load.received.repeats();
    println!(
        "{} confirmed, {} lost; {repeated} came more than once ({more} deliveries more); {} sends were tried again",
        load.confirmed.len(),
        lost.len(),
        load.again.load(Ordering::Relaxed)
    );
    if lost.is_empty() { Ok(()) } else { Err(format!("lost: {:?}", &lost[..lost.len().min(20)]).into()) }
}

/// Kills a node, lets the others go on, and starts it again.
async fn loses(what: &str, number: u16, nodes: &Nodes, load: &Load) -> Result<(), Failure> {
    nodes.kill(number).await?;
    tokio::time::sleep(GOES_ON_WITHIN).await;
    silences(&format!("kill -9 of {what} (node {number})"), load)?;
    nodes.again(number).await?;
    tokio::time::sleep(CALM).await;
    silences(&format!("node {number} is back"), load)
}

/// Says how long nothing was confirmed and nothing delivered, at the longest.
fn silences(after: &str, load: &Load) -> Result<(), Failure> {
    let (confirms, deliveries) = (load.confirmed.take_silence(), load.received.take_silence());
    println!(
        "{after}: {} confirmed so far; longest without a confirm {:.2} s, without a delivery {:.2} s",
        load.confirmed.len(),
        confirms.as_secs_f64(),
        deliveries.as_secs_f64()
    );
    match confirms.max(deliveries) {
        silence if silence < GOES_ON_WITHIN => Ok(()),
        _ => Err(format!("it did not go on within {GOES_ON_WITHIN:?}").into()),
    }
}
