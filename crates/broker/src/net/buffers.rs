//! Large buffers shared by the connections of a worker thread, so that an idle connection holds none.

use std::cell::RefCell;

/// Bytes one read may bring: several of the largest frames most clients send.
pub(crate) const READ_BYTES: usize = 256 * 1024;
/// Buffers of each kind a thread keeps for the next user.
const KEPT_MAX: usize = 4;
/// An output buffer that grew beyond this is given back to the allocator.
const OUTPUT_KEPT_BYTES_MAX: usize = 4 * 1024 * 1024;

thread_local! {
    static INPUTS: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
    static OUTPUTS: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// A read buffer of [`READ_BYTES`] whose content means nothing.
pub(crate) fn take_input() -> Vec<u8> {
    INPUTS.with_borrow_mut(Vec::pop).unwrap_or_else(|| vec![0; READ_BYTES])
}

pub(crate) fn give_input(buffer: Vec<u8>) {
    if buffer.len() == READ_BYTES {
        INPUTS.with_borrow_mut(|kept| {
            if kept.len() < KEPT_MAX {
                kept.push(buffer);
            }
        });
    }
}

/// An empty output buffer that may have room already.
pub(crate) fn take_output() -> Vec<u8> {
    OUTPUTS.with_borrow_mut(Vec::pop).unwrap_or_default()
}

pub(crate) fn give_output(mut buffer: Vec<u8>) {
    if buffer.capacity() <= OUTPUT_KEPT_BYTES_MAX {
        buffer.clear();
        OUTPUTS.with_borrow_mut(|kept| {
            if kept.len() < KEPT_MAX {
                kept.push(buffer);
            }
        });
    }
}
