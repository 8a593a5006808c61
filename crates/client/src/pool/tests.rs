//! Pools of things that count themselves, on tokio's paused clock.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use tokio::time::{advance, sleep};

use super::*;

#[derive(Clone, Default)]
struct Made(Arc<MadeState>);

#[derive(Default)]
struct MadeState {
    count: AtomicUsize,
    refuse: AtomicBool,
    sick: AtomicBool,
    slow: AtomicBool,
}

struct Item {
    number: usize,
    clean: bool,
}

impl Manage for Made {
    type Item = Item;
    type Error = io::Error;

    async fn create(&self) -> Result<Item, io::Error> {
        if self.0.slow.load(SeqCst) {
            sleep(secs(3600)).await;
        }
        if self.0.refuse.load(SeqCst) {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        Ok(Item { number: self.0.count.fetch_add(1, SeqCst) + 1, clean: true })
    }

    async fn check(&self, _: &mut Item) -> bool {
        !self.0.sick.load(SeqCst)
    }

    fn is_reusable(&self, item: &Item) -> bool {
        item.clean
    }
}

fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn pool(change: impl FnOnce(PoolOptions) -> PoolOptions) -> (Made, Pool<Made>) {
    let made = Made::default();
    (made.clone(), Pool::new(made, change(PoolOptions::new("test").size_max(2))))
}

#[tokio::test(start_paused = true)]
async fn what_comes_back_clean_is_lent_again_and_what_does_not_is_replaced() {
    let (_, pool) = pool(|o| o);
    let first = pool.get().await.unwrap();
    assert_eq!(first.number, 1);
    drop(first);
    let mut again = pool.get().await.unwrap();
    assert_eq!(again.number, 1);
    again.clean = false;
    drop(again);
    let other = pool.get().await.unwrap();
    assert_eq!(other.number, 2);
    other.discard();
    let stats = PoolStats { created: 2, closed: 2, ..PoolStats::default() };
    assert_eq!(pool.stats(), stats);
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_served_in_order_or_told_in_time() {
    let (_, pool) = pool(|o| o.waiting(secs(5), 3));
    let (one, two) = (pool.get().await.unwrap(), pool.get().await.unwrap());
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = Vec::new();
    for name in ["a", "b", "c"] {
        let (waits, order) = (pool.get(), order.clone());
        tasks.push(tokio::spawn(async move {
            let got = waits.await;
            order.lock().push((name, got.is_ok()));
            drop(got);
        }));
        tokio::task::yield_now().await;
    }
    assert_eq!(pool.stats().waiting, 3);
    assert!(matches!(pool.get().await, Err(PoolError::Busy { waiters: 3, .. })));
    drop(two);
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(*order.lock(), [("a", true), ("b", true), ("c", true)]);
    let _two = pool.get().await.unwrap();
    let began = Instant::now();
    let error = pool.get().await.unwrap_err();
    assert_eq!(began.elapsed(), secs(5));
    assert!(matches!(error, PoolError::Timeout { in_use: 2, .. }), "{error}");
    assert_eq!((pool.stats().timeouts, pool.stats().waiting), (1, 0));
    drop(one);
    pool.get().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn giving_up_the_wait_gives_up_the_place() {
    let (_, pool) = pool(|o| o.size_max(1));
    let only = pool.get().await.unwrap();
    let waits = tokio::spawn(pool.get());
    tokio::task::yield_now().await;
    waits.abort();
    let _ = waits.await;
    assert_eq!(pool.stats().waiting, 0);
    drop(only);
    pool.get().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn making_one_is_bounded_too_and_its_failure_is_told() {
    let (made, pool) = pool(|o| o);
    made.0.slow.store(true, SeqCst);
    let began = Instant::now();
    assert!(matches!(pool.get().await, Err(PoolError::Timeout { .. })));
    assert_eq!(began.elapsed(), secs(5));
    made.0.slow.store(false, SeqCst);
    made.0.refuse.store(true, SeqCst);
    for _ in 0..5 {
        // More often than there are items: a failure gives its place back.
        assert!(matches!(pool.get().await, Err(PoolError::Create { .. })));
    }
    made.0.refuse.store(false, SeqCst);
    assert_eq!(pool.get().await.unwrap().number, 1);
}

#[tokio::test(start_paused = true)]
async fn idle_ones_are_checked_and_grow_old() {
    let (made, pool) = pool(|o| o.idle(0, secs(60)).lifetime_max(secs(90)));
    drop(pool.get().await.unwrap());
    made.0.sick.store(true, SeqCst);
    assert_eq!(pool.get().await.unwrap().number, 1, "it was used a moment ago");
    advance(secs(10)).await;
    assert_eq!(pool.get().await.unwrap().number, 2, "sick");
    made.0.sick.store(false, SeqCst);
    sleep(secs(66)).await;
    assert_eq!((pool.stats().idle, pool.stats().closed), (0, 2), "idle for too long");
    drop(pool.get().await.unwrap());
    for _ in 0..10 {
        sleep(secs(10)).await;
        drop(pool.get().await.unwrap());
    }
    assert_eq!(pool.get().await.unwrap().number, 4, "in use all the time, and too old after 90 s");
}

#[tokio::test(start_paused = true)]
async fn a_few_are_kept_ready() {
    let (made, pool) = pool(|o| o.idle(2, secs(60)));
    sleep(secs(1)).await;
    assert_eq!((pool.stats().idle, made.0.count.load(SeqCst)), (2, 2));
    let (_one, _two) = (pool.get().await.unwrap(), pool.get().await.unwrap());
    sleep(secs(30)).await;
    assert_eq!((pool.stats().idle, made.0.count.load(SeqCst)), (0, 2), "never more than size_max");
}

#[tokio::test(start_paused = true)]
async fn a_closed_pool_lends_nothing_and_takes_nothing_back() {
    let (_, pool) = pool(|o| o);
    let (one, two) = (pool.get().await.unwrap(), pool.get().await.unwrap());
    drop(two);
    let other = pool.clone();
    pool.close();
    assert!(matches!(other.get().await, Err(PoolError::Closed { .. })));
    drop(one);
    assert_eq!((pool.stats().idle, pool.stats().closed), (0, 2));
}

mod leaks {
    use super::*;
    use std::io::Write;
    use tracing_subscriber::fmt::MakeWriter;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Log {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    impl Log {
        fn lines(&self, with: &str) -> Vec<String> {
            let text = String::from_utf8(self.0.lock().clone()).unwrap();
            text.lines().filter(|line| line.contains(with)).map(str::to_owned).collect()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_leak_is_reported_once_with_its_place_and_its_return() {
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).finish();
        let _logging = tracing::subscriber::set_default(subscriber);
        let (_, pool) = pool(|o| o.leak_threshold(Some(secs(8))));
        let borrowed_at = line!() + 1;
        let held = pool.get().await.unwrap();
        sleep(secs(7)).await;
        assert_eq!(log.lines("WARN").len(), 0);
        sleep(secs(60)).await;
        let warnings = log.lines("WARN");
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        let place = format!("{}:{borrowed_at}:", file!());
        assert!(warnings[0].contains(&place) && warnings[0].contains("test"), "{place} in {warnings:?}");
        assert_eq!((pool.stats().leaked, pool.stats().leaks), (1, 1));
        drop(held);
        let back = log.lines("came back");
        assert!(back.len() == 1 && back[0].contains("held_ms=67000"), "{back:?}");
        assert_eq!((pool.stats().leaked, pool.stats().leaks), (0, 1));
    }
}
