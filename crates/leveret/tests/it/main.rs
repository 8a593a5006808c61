//! The toolkit against the real broker inside the test.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod topology;
