//! Somebody who uses the broker as one should, all the time: publishes, is confirmed, is delivered to, acknowledges.

use crate::client::{Client, Event, Wish};
use leveret_protocol::methods::{basic, confirm, queue};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Pause between two round trips, so that the broker's time is left for the faults.
const PAUSE: Duration = Duration::from_millis(2);

#[derive(Default)]
struct Shared {
    trips: AtomicU64,
    slowest_us: AtomicU64,
    stop: AtomicBool,
}

/// See the module's documentation.
pub(crate) struct Bystander {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Result<(), String>>>,
}

/// What it saw during one fault.
pub(crate) struct Observed {
    pub(crate) trips: u64,
    pub(crate) slowest_ms: f64,
    /// What ended it, if it ended.
    pub(crate) problem: Option<String>,
}

impl Bystander {
    pub(crate) fn start(address: SocketAddr) -> Result<Self, String> {
        let shared = Arc::new(Shared::default());
        let mut client = Client::connect(address, Wish::default())?;
        client.declare("bystander", &[])?;
        client.send_method(1, confirm::Select::default())?;
        client.wait("confirm.select-ok")?;
        client.consume("bystander", "bystander", false)?;
        let thread = std::thread::spawn({
            let shared = shared.clone();
            move || round_trips(&mut client, &shared)
        });
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Begins to observe anew.
    pub(crate) fn mark(&self) {
        self.shared.trips.store(0, Ordering::Relaxed);
        self.shared.slowest_us.store(0, Ordering::Relaxed);
    }

    /// What it saw since [`mark`](Self::mark); at least one round trip is waited for.
    pub(crate) fn observed(&mut self) -> Observed {
        let patience = Instant::now() + Duration::from_secs(10);
        let ended = || self.thread.as_ref().is_none_or(JoinHandle::is_finished);
        while self.shared.trips.load(Ordering::Relaxed) < 2 && Instant::now() < patience && !ended() {
            std::thread::sleep(PAUSE);
        }
        let trips = self.shared.trips.load(Ordering::Relaxed);
        let slowest_ms = self.shared.slowest_us.load(Ordering::Relaxed) as f64 / 1000.0;
        let problem = match (ended(), trips) {
            (true, _) => Some(self.end()),
            (false, 0..2) => Some("no round trip within 10 s".to_owned()),
            _ => None,
        };
        Observed { trips, slowest_ms, problem }
    }

    fn end(&mut self) -> String {
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(Err(problem))) => problem,
            Some(Err(_)) => "it panicked".into(),
            _ => "it ended before".into(),
        }
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.end();
    }
}

fn round_trips(client: &mut Client, shared: &Shared) -> Result<(), String> {
    for number in 0u64.. {
        if shared.stop.load(Ordering::Relaxed) {
            break;
        }
        let body = number.to_be_bytes();
        let began = Instant::now();
        client.publish(1, "bystander", &body)?;
        let (mut confirmed, mut delivered) = (false, false);
        while !(confirmed && delivered) {
            match client.event()? {
                Event::Ack(tag) if tag == number + 1 => confirmed = true,
                Event::Delivery { tag, redelivered: false, body: got } if got == body => {
                    client.send_method(1, basic::Ack { delivery_tag: tag, multiple: false })?;
                    delivered = true;
                }
                other => return Err(format!("message {number}: got {other:?}")),
            }
        }
        let took = began.elapsed().as_micros() as u64;
        shared.slowest_us.fetch_max(took, Ordering::Relaxed);
        shared.trips.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(PAUSE);
    }
    let passive = queue::Declare { passive: true, ..client.queue("bystander") };
    client.send_method(1, passive)?;
    client.wait("queue.declare-ok").map(drop)
}
