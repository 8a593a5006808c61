//! Cuts a stream of bytes into frames, one direction of one connection.

use bytes::{Bytes, BytesMut};
use leveret_protocol::{PROTOCOL_HEADER, parse_frame};

/// A frame that claims to be longer is passed on as bytes, rather than waited for.
const FRAME_BYTES_MAX: u32 = 64 << 20;

/// A piece of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A whole frame, or the protocol header.
    Frame(Bytes),
    /// Bytes that belong to no frame.
    Raw(Bytes),
}

impl Piece {
    pub(crate) fn bytes(&self) -> &Bytes {
        match self {
            Self::Frame(bytes) | Self::Raw(bytes) => bytes,
        }
    }
}

/// See the module's documentation. Once something is no frame, everything after it is passed on as it is.
#[derive(Debug)]
pub(crate) struct Framer {
    pub(crate) buffer: BytesMut,
    header_expected: bool,
    raw: bool,
}

impl Framer {
    pub(crate) fn new(header_expected: bool) -> Self {
        Self { buffer: BytesMut::new(), header_expected, raw: false }
    }

    /// The next piece of what is in the buffer, if there is a whole one.
    pub(crate) fn next(&mut self) -> Option<Piece> {
        if self.raw {
            return self.rest();
        }
        if self.header_expected {
            let header = self.buffer.get(..PROTOCOL_HEADER.len())?;
            if !header.starts_with(b"AMQP") {
                self.raw = true;
                return self.rest();
            }
            self.header_expected = false;
            return Some(Piece::Frame(self.buffer.split_to(PROTOCOL_HEADER.len()).freeze()));
        }
        match parse_frame(&self.buffer, FRAME_BYTES_MAX) {
            Ok(None) => None,
            Ok(Some((_, len))) => Some(Piece::Frame(self.buffer.split_to(len).freeze())),
            Err(_) => {
                self.raw = true;
                self.rest()
            }
        }
    }

    /// What is left when the stream has ended.
    pub(crate) fn rest(&mut self) -> Option<Piece> {
        (!self.buffer.is_empty()).then(|| Piece::Raw(self.buffer.split().freeze()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leveret_protocol::put_heartbeat;

    fn pieces(framer: &mut Framer, bytes: &[u8]) -> Vec<(bool, usize)> {
        framer.buffer.extend_from_slice(bytes);
        std::iter::from_fn(|| framer.next())
            .map(|p| (matches!(p, Piece::Frame(_)), p.bytes().len()))
            .collect()
    }

    #[test]
    fn a_client_begins_with_its_header_and_frames_may_come_in_parts() {
        let mut framer = Framer::new(true);
        let mut stream = PROTOCOL_HEADER.to_vec();
        put_heartbeat(&mut stream);
        put_heartbeat(&mut stream);
        assert_eq!(pieces(&mut framer, &stream[..7]), []);
        assert_eq!(pieces(&mut framer, &stream[7..12]), [(true, 8)]);
        assert_eq!(pieces(&mut framer, &stream[12..]), [(true, 8), (true, 8)]);
        assert_eq!(framer.rest(), None);
    }

    #[test]
    fn what_is_no_frame_passes_as_it_is_and_so_does_what_follows() {
        let mut framer = Framer::new(false);
        let mut stream = Vec::new();
        put_heartbeat(&mut stream);
        stream.extend(b"\x08\0\0\0\0\0\0\xff");
        put_heartbeat(&mut stream);
        assert_eq!(pieces(&mut framer, &stream), [(true, 8), (false, 16)]);
        assert_eq!(pieces(&mut Framer::new(true), b"GET / HTTP/1.1"), [(false, 14)]);
    }
}
