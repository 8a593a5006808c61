//! Memory that messages no longer need goes back to the machine.
//!
//! The allocator gives freed memory back as it goes on working. A broker that just lost a large backlog may have nothing to do,
//! and would look for hours as if it still held it; so it is asked every now and then.

use std::time::Duration;

/// How often.
const INTERVAL: Duration = Duration::from_secs(2);

/// Asks for ever; ends with the task.
pub(super) async fn give_back() {
    let mut ticks = tokio::time::interval(INTERVAL);
    loop {
        ticks.tick().await;
        collect();
    }
}

#[allow(unsafe_code, reason = "the allocator offers this as a C function only")]
fn collect() {
    // SAFETY: takes no pointer and may be called from any thread at any time.
    unsafe { libmimalloc_sys::mi_collect(true) }
}
