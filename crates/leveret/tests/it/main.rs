//! The toolkit against the real broker inside the test; with `LEVERET_TOOLKIT_URL`, against one that runs somewhere (`home`).

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod asking;
mod asking_nobody;
mod batches;
mod dropped;
mod duplicates;
mod from_other_frameworks;
mod given_up;
mod guide;
mod home;
mod metrics;
mod middleware;
mod options;
mod ours;
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
