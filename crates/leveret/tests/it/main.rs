//! The toolkit against the real broker inside the test.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod batches;
mod duplicates;
mod guide;
mod metrics;
mod middleware;
mod publishing;
mod retries;
mod rpc;
mod schedules;
mod stopping;
mod support;
mod testing_guide;
mod topology;
mod tracing;
mod ways;
mod workers;
