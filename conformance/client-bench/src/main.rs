//! One workload with one client: `client-bench CLIENT WORKLOAD SIZE COUNT [URL]`, one line of JSON.
//!
//! Workloads: `fire` (no confirms), `confirm` (pipelined, 1,000 in flight), `sync` (one at a time), `consume` (manual acks, prefetch
//! 1,000; the queue is filled before the clock starts), `idle` (COUNT connections that do nothing: memory for each). Messages are transient and the queue is not durable, so that the broker's
//! disk does not count. CPU time is this process's, user and system; allocations are counted in the allocator.

mod amqprs_client;
mod lapin_client;
mod ours;

use std::alloc::{GlobalAlloc, Layout};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: everything is handed on to mimalloc.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        unsafe { mimalloc::MiMalloc.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { mimalloc::MiMalloc.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        unsafe { mimalloc::MiMalloc.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What a run is about.
#[derive(Clone)]
pub struct Job {
    pub workload: String,
    pub size: usize,
    pub count: u64,
    pub url: String,
    pub queue: String,
}

/// The clock, the processor time and the allocations of a run.
pub struct Meter {
    began: Instant,
    cpu: f64,
    allocations: u64,
}

fn cpu_seconds() -> f64 {
    // Fields 14 and 15: user and system time in ticks of 10 ms.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat[stat.rfind(')').unwrap() + 2..].split(' ').collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

impl Meter {
    pub fn start() -> Self {
        Self { began: Instant::now(), cpu: cpu_seconds(), allocations: ALLOCATIONS.load(Relaxed) }
    }

    /// Memory of this process, in KiB.
    pub fn memory_kib() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// `idle`: what so many open connections added to `before`.
    pub fn print_idle(client: &str, before: u64, count: u64) {
        let each = (Self::memory_kib() - before) as f64 / count as f64;
        println!("{{\"client\":\"{client}\",\"workload\":\"idle\",\"kib_per_connection\":{each:.1}}}");
    }

    pub fn print(&self, client: &str, job: &Job) {
        let (seconds, count) = (self.began.elapsed().as_secs_f64(), job.count as f64);
        println!(
            "{{\"client\":\"{client}\",\"workload\":\"{}\",\"size\":{},\"rate\":{:.0},\"cpu_s_per_million\":{:.4},\"allocations\":{:.2}}}",
            job.workload,
            job.size,
            count / seconds,
            (cpu_seconds() - self.cpu) / count * 1e6,
            (ALLOCATIONS.load(Relaxed) - self.allocations) as f64 / count,
        );
    }
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, client, workload, size, count, url @ ..] = arguments.as_slice() else {
        eprintln!("client-bench leveret|lapin|amqprs fire|confirm|sync|consume|idle SIZE COUNT [URL]");
        std::process::exit(2);
    };
    let job = Job {
        workload: workload.clone(),
        size: size.parse().expect("SIZE is a number of bytes"),
        count: count.parse().expect("COUNT is a number of messages"),
        url: url.first().cloned().unwrap_or_else(|| "amqp://guest:guest@127.0.0.1:5672/%2f".into()),
        queue: format!("client-bench-{}", std::process::id()),
    };
    match client.as_str() {
        "leveret" => ours::run(job).await,
        "lapin" => lapin_client::run(job).await,
        "amqprs" => amqprs_client::run(job).await,
        other => panic!("no client {other}"),
    }
}
