//! What handles and the task of a connection meet through. The files that use it are also compiled into `tests/models`, where a model
//! checker's types stand here instead.

pub(crate) use std::sync::atomic::{
    AtomicBool, AtomicIsize, AtomicU8, AtomicU64, AtomicUsize, Ordering, fence,
};

pub(crate) use atomic_waker::AtomicWaker;
pub(crate) use parking_lot::Mutex;
