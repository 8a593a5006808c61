//! After `connection.close` was sent: everything but the peer's `close-ok` (or its own `close`) is skipped.

use super::input::Input;
use leveret_protocol::{FrameKind, Method, parse_frame};

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct AwaitCloseOk;

impl AwaitCloseOk {
    /// Skips what came. `true`: the connection is over.
    pub(crate) fn handle(&mut self, input: &mut Input) -> bool {
        loop {
            let (over, used) = match parse_frame(input.bytes(), 0) {
                Ok(None) if input.bytes().len() < super::buffers::READ_BYTES / 2 => return false,
                // Bytes that make no sense, or a frame that is larger than patience: the peer goes without its close-ok.
                Ok(None) | Err(_) => return true,
                Ok(Some((frame, used))) => {
                    let closes = frame.kind == FrameKind::Method
                        && matches!(
                            Method::decode(frame.payload),
                            Ok(Method::ConnectionCloseOk(_) | Method::ConnectionClose(_))
                        );
                    (closes, used)
                }
            };
            input.consume(used);
            if over {
                return true;
            }
        }
    }
}
