//! One connection: the client's end, the broker's end, and the task between them.

use super::hub::Hub;
use super::inspector::Inspector;
use super::pump::Pump;
use super::rules::{Direction, Ending, Rules};
use crate::transport::ClientEnd;
use parking_lot::Mutex;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, split};
use tokio::sync::{Notify, watch};

/// What passed in one direction.
#[derive(Debug, Default)]
pub(crate) struct Passed {
    pub(crate) frames: AtomicU64,
    pub(crate) bytes: AtomicU64,
}

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) index: usize,
    pub(crate) broker_id: u64,
    pub(crate) rules: watch::Sender<Rules>,
    pub(crate) inspector: Mutex<Inspector>,
    /// There is something to put between the broker's frames.
    pub(crate) injected: Notify,
    passed: [Passed; 2],
    closed: AtomicBool,
}

impl Link {
    pub(crate) fn new(index: usize, broker_id: u64, rules: watch::Sender<Rules>) -> Self {
        Self {
            index,
            broker_id,
            rules,
            inspector: Mutex::default(),
            injected: Notify::new(),
            passed: Default::default(),
            closed: AtomicBool::new(false),
        }
    }

    pub(crate) fn passed(&self, direction: Direction) -> &Passed {
        &self.passed[direction as usize]
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.closed.load(Ordering::Acquire)
    }

    /// Ends it now. `false`: it had ended already.
    pub(crate) fn end(&self, ending: Ending) -> bool {
        let open = self.is_open();
        if open {
            self.rules.send_modify(|rules| rules.end = rules.end.or(Some(ending)));
        }
        open
    }
}

/// Carries bytes until one side has closed or the connection is to end.
pub(crate) async fn run(
    hub: Arc<Hub>,
    link: Arc<Link>,
    client: ClientEnd,
    broker: DuplexStream,
    rules: watch::Receiver<Rules>,
) {
    let (mut client_reader, mut client_writer) = split(client);
    let (mut broker_reader, mut broker_writer) = split(broker);
    let ending = {
        let to_broker = Pump::new(Direction::ToBroker, &hub, &link, rules.clone());
        let to_client = Pump::new(Direction::ToClient, &hub, &link, rules.clone());
        let mut to_broker = pin!(to_broker.run(&mut client_reader, &mut broker_writer));
        let mut to_client = pin!(to_client.run(&mut broker_reader, &mut client_writer));
        let both = async {
            let mut client_open = true;
            loop {
                tokio::select! {
                    biased;
                    () = &mut to_broker, if client_open => client_open = false,
                    // The broker ends a connection last, also one that its client has left.
                    () = &mut to_client => return,
                }
            }
        };
        let mut rules = rules;
        tokio::select! {
            biased;
            ended = rules.wait_for(|rules| rules.end.is_some()) => {
                ended.ok().and_then(|rules| rules.end).or(Some(Ending::Close))
            }
            () = both => None,
        }
    };
    link.closed.store(true, Ordering::Release);
    let mut client = client_reader.unsplit(client_writer);
    if ending == Some(Ending::Vanish) {
        // Until the client gives up by itself.
        tokio::spawn(async move {
            let mut nowhere = vec![0; 4096];
            while client.read(&mut nowhere).await.is_ok_and(|read| read > 0) {}
        });
    } else {
        client.end(ending.unwrap_or_default());
    }
    hub.moved();
    if ending.is_some() {
        // The broker handles what had passed; what it answers goes nowhere.
        let _ = broker_writer.shutdown().await;
        let mut nowhere = vec![0; 4096];
        while broker_reader.read(&mut nowhere).await.is_ok_and(|read| read > 0) {}
        hub.moved();
    }
}
