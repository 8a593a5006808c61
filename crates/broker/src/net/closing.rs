//! After `connection.close` went one way or the other: everything else is skipped.
//!
//! When the client closed, it may say so again (several threads of it may close at once) and is answered each time; the socket is
//! its to close. When the broker closed, the peer's `close-ok`, or a `close` that crossed, ends the connection.

use super::input::Input;
use leveret_protocol::methods::connection;
use leveret_protocol::{FrameKind, Method, parse_frame};

/// See the module's documentation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Closing {
    /// The broker sent the close.
    pub(crate) by_broker: bool,
}

impl Closing {
    /// Skips what came. `true`: the connection is over.
    pub(crate) fn handle(self, input: &mut Input, out: &mut Vec<u8>) -> bool {
        loop {
            let (over, used) = match parse_frame(input.bytes(), 0) {
                Ok(None) if input.bytes().len() < super::buffers::READ_BYTES / 2 => return false,
                // Bytes that make no sense, or a frame that is larger than patience: the peer goes without an answer.
                Ok(None) | Err(_) => return true,
                Ok(Some((frame, used))) => {
                    let method = (frame.kind == FrameKind::Method).then(|| Method::decode(frame.payload));
                    let over = match method {
                        Some(Ok(Method::ConnectionClose(_))) => {
                            connection::CloseOk.write(0, out);
                            self.by_broker
                        }
                        Some(Ok(Method::ConnectionCloseOk(_))) => true,
                        _ => false,
                    };
                    (over, used)
                }
            };
            input.consume(used);
            if over {
                return true;
            }
        }
    }
}
