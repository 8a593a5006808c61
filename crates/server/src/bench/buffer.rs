//! A read buffer of fixed size that hands out whole frames without copying them.

use leveret_protocol::{Frame, parse_frame};
use std::io::{self, Read};

/// Largest frame asked for when connecting, in bytes; RabbitMQ's default.
pub(crate) const FRAME_MAX: u32 = 131_072;

/// Bytes read and not yet looked at. Holds at least two of the largest frames.
pub(crate) struct ReadBuffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl ReadBuffer {
    /// Room for `capacity` bytes, or two frames when that is more.
    pub(crate) fn new(capacity: usize) -> ReadBuffer {
        ReadBuffer { bytes: vec![0; capacity.max(2 * FRAME_MAX as usize + 16)], start: 0, end: 0 }
    }

    /// Reads once, as much as fits; 0 is the end of the stream.
    ///
    /// # Errors
    /// The reader's own.
    pub(crate) fn fill(&mut self, from: &mut impl Read) -> io::Result<usize> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.bytes.len() - self.end < self.bytes.len() / 2 {
            // The tail of a frame moves to the front: at most one frame, when the loop takes all whole ones.
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let read = from.read(&mut self.bytes[self.end..])?;
        self.end += read;
        Ok(read)
    }

    /// The next whole frame.
    ///
    /// # Errors
    /// When what was read is not a frame of at most [`FRAME_MAX`] bytes.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<Option<Frame<'_>>, String> {
        match parse_frame(&self.bytes[self.start..self.end], FRAME_MAX) {
            Ok(Some((frame, length))) => {
                self.start += length;
                Ok(Some(frame))
            }
            Ok(None) => Ok(None),
            Err(error) => Err(format!("the broker sent something that is not AMQP 0-9-1: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leveret_protocol::{FrameKind, put_body};

    /// A reader that gives `step` bytes at a time.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let (now, later) = self.0.split_at(self.1.min(self.0.len()).min(into.len()));
            into[..now.len()].copy_from_slice(now);
            self.0 = later;
            Ok(now.len())
        }
    }

    #[test]
    fn frames_come_out_whole_however_they_arrive() {
        let mut stream = Vec::new();
        for length in [0usize, 1, 5_000, 100_000, 131_064, 7] {
            put_body(&mut stream, 3, &vec![length as u8; length], FRAME_MAX);
        }
        for step in [1_000, 65_536, usize::MAX] {
            let mut drip = Drip(&stream, step);
            let mut buffer = ReadBuffer::new(0);
            let mut lengths = vec![];
            while buffer.fill(&mut drip).unwrap() > 0 {
                while let Some(frame) = buffer.next().unwrap() {
                    assert_eq!((frame.kind, frame.channel), (FrameKind::Body, 3));
                    lengths.push(frame.payload.len());
                }
            }
            assert_eq!(lengths, [1, 5_000, 100_000, 131_064, 7]);
        }
    }

    #[test]
    fn what_is_no_frame_is_an_error() {
        let mut buffer = ReadBuffer::new(0);
        buffer.fill(&mut &b"HTTP/1.1 400 Bad Request\r\n"[..]).unwrap();
        assert!(buffer.next().unwrap_err().contains("not AMQP 0-9-1"));
    }
}
