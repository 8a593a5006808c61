//! The parts and the broker of a run, as tasks of this process or as processes that can be killed.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use leveret::BoxError;
use leveret_broker::Broker;
use parking_lot::Mutex;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::process::Process;
use crate::broker;
use crate::parts::{Part, keep_running};
use crate::progress::Progress;
use crate::settings::Settings;
use crate::tell::{Tally, Teller};

/// How long the broker has to start.
const BROKER_WITHIN: Duration = Duration::from_secs(15);
/// Name of the broker among the processes.
const BROKER: &str = "broker";

/// What is running.
pub(crate) struct Shop {
    tally: Arc<Mutex<Tally>>,
    broker: Option<Broker>,
    tasks: JoinSet<Result<(), BoxError>>,
    stop: CancellationToken,
    /// The broker first, if it is ours.
    processes: Vec<Process>,
    as_processes: bool,
    kills: BTreeMap<&'static str, u32>,
}

impl Shop {
    /// Starts the broker, unless there is one.
    pub(crate) async fn open(
        settings: &mut Settings,
        as_processes: bool,
        tally: &Arc<Mutex<Tally>>,
    ) -> Result<Self, BoxError> {
        let mut shop = Self {
            tally: tally.clone(),
            broker: None,
            tasks: JoinSet::new(),
            stop: CancellationToken::new(),
            processes: Vec::new(),
            as_processes,
            kills: BTreeMap::new(),
        };
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        match &settings.url {
            Some(_) => {}
            None if as_processes => {
                // Chosen here, because it has to be the same after every start.
                let address = TcpListener::bind(any_port)?.local_addr()?;
                settings.url = Some(broker::url(address));
                shop.processes.push(Process::start(BROKER, settings, tally)?);
                shop.wait_for(address).await?;
            }
            None => {
                let (broker, address) = broker::start(&settings.folder(), any_port).await?;
                settings.url = Some(broker::url(address));
                shop.broker = Some(broker);
            }
        }
        Ok(shop)
    }

    async fn wait_for(&mut self, address: SocketAddr) -> Result<(), BoxError> {
        let until = Instant::now() + BROKER_WITHIN;
        while tokio::net::TcpStream::connect(address).await.is_err() {
            if Instant::now() > until {
                return Err(format!(
                    "the broker did not open {address} within {BROKER_WITHIN:?}; see broker.log"
                )
                .into());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Starts the parts.
    pub(crate) async fn start(&mut self, settings: &Settings) -> Result<(), BoxError> {
        for part in Part::ALL {
            if self.as_processes {
                self.processes.push(Process::start(part.name(), settings, &self.tally)?);
            } else {
                let (settings, teller, stop) = (settings.clone(), Teller::to(&self.tally), self.stop.clone());
                self.tasks.spawn(async move { keep_running(part, &settings, &teller, stop).await });
            }
        }
        Ok(())
    }

    /// How many can be killed.
    pub(crate) fn victims(&self) -> usize {
        self.processes.len()
    }

    /// Kills one and starts it again.
    pub(crate) async fn kill(&mut self, victim: usize, progress: &Progress) -> Result<(), BoxError> {
        if let Some(process) = self.processes.get_mut(victim) {
            process.kill().await?;
            progress.note(&format!("kill -9  {}", process.name));
        }
        Ok(())
    }

    /// Starts again what ended by itself.
    pub(crate) async fn check(&mut self, progress: &Progress) -> Result<(), BoxError> {
        for process in &mut self.processes {
            if let Some(how) = process.revive()? {
                progress.note(&format!(
                    "{} ended by itself ({how}) and is started again; see {0}.log",
                    process.name
                ));
            }
        }
        if let Some(ended) = self.tasks.try_join_next() {
            ended??;
        }
        Ok(())
    }

    /// Stops the parts in order; the broker stays.
    pub(crate) async fn stop_parts(&mut self) -> Result<(), BoxError> {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended??;
        }
        let (stay, go): (Vec<_>, Vec<_>) =
            self.processes.drain(..).partition(|process| process.name == BROKER);
        self.processes = stay;
        let mut going = JoinSet::new();
        for process in go {
            self.kills.insert(process.name, process.kills);
            going.spawn(process.stop());
        }
        while let Some(gone) = going.join_next().await {
            gone??;
        }
        Ok(())
    }

    /// How often each was killed.
    pub(crate) fn kills(&self) -> BTreeMap<&'static str, u32> {
        let standing = self.processes.iter().map(|process| (process.name, process.kills));
        self.kills.iter().map(|(name, kills)| (*name, *kills)).chain(standing).collect()
    }

    /// Stops the broker, if it is ours.
    pub(crate) async fn stop(self) -> Result<(), BoxError> {
        for process in self.processes {
            process.stop().await?;
        }
        if let Some(broker) = self.broker {
            broker.shutdown(Duration::from_secs(5)).await;
        }
        Ok(())
    }
}
