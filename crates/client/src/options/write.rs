//! Bounds of the outgoing buffer.

/// Bounds of what waits to be written on one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct WriteOptions {
    /// Encoded bytes gathered into one write; a larger message is written at once all the same. Default: 256 KiB.
    pub batch_bytes_max: usize,
    /// Commands and messages queued for the connection before callers wait. Default: 1024.
    pub queue_len_max: usize,
    /// Bytes that low-level channels have handed over and that are not in the outgoing buffer yet, before callers wait; a larger message
    /// has all of it. Default: 16 MiB. (Publishers have bounds of their own.)
    pub queue_bytes_max: usize,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self { batch_bytes_max: 256 << 10, queue_len_max: 1024, queue_bytes_max: 16 << 20 }
    }
}

impl WriteOptions {
    /// Sets [`WriteOptions::batch_bytes_max`].
    #[must_use]
    pub fn batch_bytes_max(self, batch_bytes_max: usize) -> Self {
        Self { batch_bytes_max, ..self }
    }

    /// Sets [`WriteOptions::queue_bytes_max`]; at least 1.
    #[must_use]
    pub fn queue_bytes_max(self, queue_bytes_max: usize) -> Self {
        Self { queue_bytes_max: queue_bytes_max.max(1), ..self }
    }

    /// Sets [`WriteOptions::queue_len_max`].
    #[must_use]
    pub fn queue_len_max(self, queue_len_max: usize) -> Self {
        Self { queue_len_max, ..self }
    }
}
