//! A whole connection fed arbitrary bytes in arbitrary pieces: never a panic, never a standstill, never more memory than stated.
//!
//! The first byte chooses side, starting point and frame size; then come pieces, each behind two bytes of length.
#![no_main]

use leveret_protocol::Role;
use libfuzzer_sys::fuzz_target;

#[path = "../../crates/protocol/tests/protocol/driver.rs"]
mod driver;

use driver::Connection;

fuzz_target!(|data: &[u8]| {
    let Some((&choice, mut data)) = data.split_first() else { return };
    let role = if choice & 1 == 0 { Role::Server } else { Role::Client };
    let mut connection = match choice >> 1 & 3 {
        0 => Connection::new(role),
        1 => Connection::open(role, 0),
        2 => Connection::open(role, 4096),
        _ => Connection::open(role, 131_072),
    };
    // Cuts every piece to single bytes, the worst a network can do.
    let by_byte = choice & 8 != 0;
    while let Some((&[high, low], rest)) = data.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes([high, low])).min(rest.len());
        let (piece, rest) = rest.split_at(length);
        data = rest;
        let pieces = if by_byte { 1 } else { piece.len().max(1) };
        for piece in piece.chunks(pieces) {
            if !connection.receive(piece) {
                return;
            }
        }
    }
});
