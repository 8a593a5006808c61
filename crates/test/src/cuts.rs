//! A conversation, cut in every place.

use crate::broker::TestBroker;
use crate::relay::{At, Cut, Direction, Ending};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use std::future::Future;

/// How often a conversation was had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CutReport {
    /// Frames that the uncut conversation took: to the broker, to the client.
    pub frames: [u64; 2],
    /// Its bytes: to the broker, to the client.
    pub bytes: [u64; 2],
    /// Conversations that were cut.
    pub runs: usize,
}

/// Has a conversation once as it is, to count its frames, and then again with its first connection cut after every frame and at
/// random bytes, in both directions, each time with a fresh broker.
///
/// Only the first connection of each conversation is cut, so a client that recovers has somewhere to go. The conversation has to end in
/// any case: its own deadlines are what is tested.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use leveret_client::QueueDeclare;
/// use leveret_test::Cuts;
///
/// let report = Cuts::new()
///     .random_bytes(2)
///     .each(
///         |broker| async move {
///             let client = broker.try_client_with(broker.client_options()).await.ok()?;
///             let channel = client.channel().await.ok()?;
///             channel.queue_declare("q", QueueDeclare::default()).await.ok()
///         },
///         |broker, cut, declared| async move {
///             let there = broker.queue("q").is_some();
///             assert!(there || declared.is_none(), "cut {cut}: told of a queue that is not there");
///         },
///     )
///     .await;
/// assert!(report.runs > 10);
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is cut until each() is called"]
pub struct Cuts {
    random_bytes: usize,
    seed: u64,
    ending: Ending,
    builder: crate::Builder,
}

impl Default for Cuts {
    fn default() -> Self {
        Self { random_bytes: 8, seed: 1, ending: Ending::Close, builder: TestBroker::builder() }
    }
}

impl Cuts {
    /// Every frame and 8 random bytes in each direction, each seen as the end of the stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many random bytes to cut at, in each direction. Default: 8.
    pub fn random_bytes(self, random_bytes: usize) -> Self {
        Self { random_bytes, ..self }
    }

    /// Which random bytes: the same seed gives the same. Default: 1.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// How clients notice the cut. Default: by the end of the stream.
    pub fn ending(self, ending: Ending) -> Self {
        Self { ending, ..self }
    }

    /// Which brokers to have it with. Default: in memory.
    pub fn broker(self, builder: crate::Builder) -> Self {
        Self { builder, ..self }
    }

    /// Has the conversations. `check` is called after each that was cut, with what `converse` returned, once nothing moves any more.
    ///
    /// # Panics
    /// A broker does not start, or the uncut conversation opens no connection.
    pub async fn each<T, C, CF, K, KF>(self, converse: C, check: K) -> CutReport
    where
        C: Fn(TestBroker) -> CF,
        CF: Future<Output = T>,
        K: Fn(TestBroker, Cut, T) -> KF,
        KF: Future<Output = ()>,
    {
        let broker = self.start().await;
        drop(converse(broker.clone()).await);
        broker.settle().await;
        let Some(first) = broker.connections().into_iter().next() else {
            panic!("the conversation opened no connection to cut")
        };
        let (frames, bytes) = (first.frames, first.bytes);
        let cuts = self.cuts(frames, bytes);
        for cut in &cuts {
            let broker = self.start().await;
            broker.faults().next().cut(*cut);
            let outcome = converse(broker.clone()).await;
            broker.settle().await;
            check(broker, *cut, outcome).await;
        }
        CutReport { frames, bytes, runs: cuts.len() }
    }

    async fn start(&self) -> TestBroker {
        match self.builder.clone().start().await {
            Ok(broker) => broker,
            Err(error) => panic!("the test broker does not start: {error}"),
        }
    }

    fn cuts(&self, frames: [u64; 2], bytes: [u64; 2]) -> Vec<Cut> {
        let mut random = StdRng::seed_from_u64(self.seed);
        let mut all = Vec::new();
        for direction in Direction::BOTH {
            let (frames, bytes) = (frames[direction as usize], bytes[direction as usize]);
            all.extend((0..=frames).map(At::Frame).map(|at| Cut::new(direction, at)));
            let random = (0..self.random_bytes).map(|_| At::Byte(random.random_range(0..=bytes)));
            all.extend(random.map(|at| Cut::new(direction, at)));
        }
        all.iter_mut().for_each(|cut| cut.ending = self.ending);
        all
    }
}
