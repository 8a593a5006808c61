//! Bytes that arrived and were not handled yet.

use super::buffers::{READ_BYTES, give_input, take_input};
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, ReadBuf};

/// An incomplete frame of more than this many bytes stays in its large buffer while its connection is idle ...
const ASIDE_BYTES_MAX: usize = 8 * 1024;
/// ... but in so many connections at most, or those who send half a frame and stop would take all memory.
const HELD_MAX: usize = 64;
static HELD: AtomicUsize = AtomicUsize::new(0);

/// A window into a buffer: what lies between `start` and `end` waits to be handled.
#[derive(Debug, Default)]
pub(crate) struct Input {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    aside: Vec<u8>,
    /// Counts in [`HELD`].
    held: bool,
}

impl Input {
    /// What waits.
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    #[inline]
    pub(crate) fn consume(&mut self, count: usize) {
        self.start += count;
    }

    /// Reads once. `frame_bytes` is the whole length of the frame at the front, if that is known: it will fit.
    pub(crate) fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut (impl AsyncRead + Unpin),
        frame_bytes: usize,
    ) -> Poll<io::Result<usize>> {
        self.make_room(frame_bytes);
        let mut target = ReadBuf::new(&mut self.buffer[self.end..]);
        let polled = Pin::new(source).poll_read(cx, &mut target);
        let count = target.filled().len();
        match polled {
            Poll::Ready(Ok(())) => {
                self.end += count;
                Poll::Ready(Ok(count))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                self.rest();
                Poll::Pending
            }
        }
    }

    /// Makes what was put aside visible again, without reading.
    pub(crate) fn recall(&mut self) {
        if !self.aside.is_empty() {
            self.make_room(0);
        }
    }

    fn make_room(&mut self, frame_bytes: usize) {
        if self.buffer.is_empty() {
            self.buffer = take_input();
            self.buffer[..self.aside.len()].copy_from_slice(&self.aside);
            (self.start, self.end) = (0, self.aside.len());
            self.aside = Vec::new();
        }
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        let wanted = frame_bytes.max(1);
        if self.buffer.len() - self.start < wanted || self.buffer.len() - self.end < READ_BYTES / 4 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        }
    }

    /// Nothing to read now: gives the buffer back, unless much of a frame lies in it.
    fn rest(&mut self) {
        let waiting = self.end - self.start;
        if waiting > READ_BYTES {
            return;
        }
        if waiting > ASIDE_BYTES_MAX {
            if !self.held {
                self.held = HELD.fetch_add(1, Ordering::Relaxed) < HELD_MAX;
                if !self.held {
                    HELD.fetch_sub(1, Ordering::Relaxed);
                }
            }
            if self.held {
                return;
            }
        }
        self.let_go();
        self.aside = self.bytes().to_vec();
        give_input(std::mem::take(&mut self.buffer));
        (self.start, self.end) = (0, 0);
    }

    fn let_go(&mut self) {
        if std::mem::take(&mut self.held) {
            HELD.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        self.let_go();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn fill(input: &mut Input, mut source: &[u8], frame: usize) -> usize {
        std::future::poll_fn(|cx| input.poll_fill(cx, &mut source, frame)).await.unwrap()
    }

    #[tokio::test]
    async fn a_part_of_a_frame_survives_rest_and_growth() {
        let mut input = Input::default();
        assert_eq!(fill(&mut input, b"abc", 0).await, 3);
        input.consume(1);
        input.rest();
        assert!(input.buffer.is_empty(), "an idle connection holds no large buffer");
        assert_eq!(fill(&mut input, b"def", READ_BYTES + 10).await, 3);
        assert_eq!(input.bytes(), b"bcdef");
        assert!(input.buffer.len() >= READ_BYTES + 10);
    }
}
