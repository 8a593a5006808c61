//! How many bytes of messages the broker holds, and whether publishers must wait.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

/// Counts the bytes charged for messages in queues and keeps the two resource alarms.
///
/// Source: RabbitMQ, "Memory and Disk Alarms".
#[derive(Debug)]
pub struct MemoryGauge {
    bytes: AtomicI64,
    high_watermark_bytes: AtomicU64,
    /// Above this, backlogs go to the disk alone.
    backlog_bytes_max: u64,
    short: AtomicBool,
    memory_alarm: AtomicBool,
    disk_alarm: AtomicBool,
    /// Raised by hand; see [`set_alarm`](Self::set_alarm).
    forced_memory: AtomicBool,
    forced_disk: AtomicBool,
    changed: tokio::sync::Notify,
}

/// A resource that can run short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// Memory.
    Memory,
    /// Disk space below the data folder.
    Disk,
}

impl MemoryGauge {
    pub(crate) fn new(high_watermark_bytes: u64, backlog_bytes_max: u64) -> Self {
        Self {
            bytes: AtomicI64::new(0),
            high_watermark_bytes: AtomicU64::new(high_watermark_bytes),
            backlog_bytes_max,
            short: AtomicBool::new(false),
            memory_alarm: AtomicBool::new(false),
            disk_alarm: AtomicBool::new(false),
            forced_memory: AtomicBool::new(false),
            forced_disk: AtomicBool::new(false),
            changed: tokio::sync::Notify::new(),
        }
    }

    pub(crate) fn charge(&self, bytes: i64) {
        if bytes == 0 {
            return;
        }
        let now = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let short = now > 0 && now as u64 > self.backlog_bytes_max;
        if short != self.short.load(Ordering::Relaxed) {
            self.short.store(short, Ordering::Relaxed);
        }
        let over = now > 0 && now as u64 > self.high_watermark_bytes.load(Ordering::Relaxed);
        if over != self.memory_alarm.load(Ordering::Relaxed) {
            // A little below the mark before publishers go on, or they would stop again at once.
            let clear = (now.max(0) as u64) < self.high_watermark_bytes.load(Ordering::Relaxed) / 10 * 9;
            if over || clear {
                self.memory_alarm.store(over, Ordering::Relaxed);
                self.changed.notify_one();
            }
        }
    }

    /// Bytes charged for messages in queues.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed).max(0) as u64
    }

    /// Whether backlogs are to grow on disk only.
    #[inline]
    pub(crate) fn is_short(&self) -> bool {
        self.short.load(Ordering::Relaxed)
    }

    /// Moves the mark above which publishing connections are blocked, in bytes.
    pub fn set_high_watermark(&self, bytes: u64) {
        self.high_watermark_bytes.store(bytes, Ordering::Relaxed);
        let over = self.bytes() > bytes;
        if self.memory_alarm.swap(over, Ordering::Relaxed) != over {
            self.changed.notify_one();
        }
    }

    /// Raises or clears an alarm by hand, for tests and operators.
    pub fn set_alarm(&self, resource: Resource, raised: bool) {
        match resource {
            Resource::Memory => self.forced_memory.store(raised, Ordering::Relaxed),
            Resource::Disk => self.forced_disk.store(raised, Ordering::Relaxed),
        }
        self.changed.notify_one();
    }

    pub(crate) fn set_disk_low(&self, low: bool) {
        if self.disk_alarm.swap(low, Ordering::Relaxed) != low {
            self.changed.notify_one();
        }
    }

    /// The resources that run short now; publishers are blocked while there is one.
    pub fn alarms(&self) -> Vec<Resource> {
        let on = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        let memory = on(&self.memory_alarm) || on(&self.forced_memory);
        let disk = on(&self.disk_alarm) || on(&self.forced_disk);
        let mut all = Vec::new();
        if memory {
            all.push(Resource::Memory);
        }
        if disk {
            all.push(Resource::Disk);
        }
        all
    }

    /// Waits until an alarm may have changed.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }
}

impl Resource {
    pub(crate) fn bit(self) -> u8 {
        match self {
            Self::Memory => 1,
            Self::Disk => 2,
        }
    }

    /// The reason in `connection.blocked`, as RabbitMQ words it.
    pub(crate) fn describe(bits: u8) -> &'static str {
        match bits {
            1 => "low on memory",
            2 => "low on disk",
            _ => "low on memory & disk",
        }
    }
}
