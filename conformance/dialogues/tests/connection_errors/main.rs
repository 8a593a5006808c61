//! Errors that end the connection: 501, 503, 504, 505, 540, and what has to follow a connection.close.

mod aftermath;
mod wrong_frames;
mod wrong_methods;

use leveret_dialogues::protocol::FrameKind;
use leveret_dialogues::*;

const NONE: MethodId = MethodId::new(0, 0);

/// What does not decode ends the connection. RabbitMQ's decoder crashes on some of it, and says nothing.
#[track_caller]
fn expect_undecodable(connection: &Connection, code: u16, text: &str, cause: MethodId) {
    let told =
        differs("bytes that are no method are answered, not met with silence", None, Some((code, text)));
    if let Some((code, text)) = told {
        connection.expect_close_only(code, text, cause);
        connection.send(conn::CloseOk);
    }
    connection.expect_eof();
}
