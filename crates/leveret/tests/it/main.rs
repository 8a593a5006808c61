//! The toolkit against the real broker inside the test.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod duplicates;
mod guide;
mod middleware;
mod retries;
mod stopping;
mod support;
mod testing_guide;
mod topology;
mod tracing;
mod workers;
