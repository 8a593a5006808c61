//! Frames: where they begin and end, and what is none.

use leveret_protocol::{Frame, FrameError, FrameKind, Put as _, begin_frame, parse_frame, put_body};

use crate::hex::{hex, unhex};

#[test]
fn a_frame_is_found_when_all_of_it_is_there() {
    let bytes = unhex("03 0102 00000003 616263 ce 08");
    for length in 0..11 {
        assert_eq!(parse_frame(&bytes[..length], 4096), Ok(None), "{length} bytes");
    }
    let frame = Frame { kind: FrameKind::Body, channel: 0x0102, payload: b"abc" };
    assert_eq!(parse_frame(&bytes, 4096), Ok(Some((frame, 11))));
}

#[test]
fn kinds() {
    for (octet, kind) in
        [(1, FrameKind::Method), (2, FrameKind::Header), (3, FrameKind::Body), (8, FrameKind::Heartbeat)]
    {
        let bytes = [octet, 0, 0, 0, 0, 0, 0, 0xCE];
        let (frame, _) = parse_frame(&bytes, 0).unwrap().unwrap();
        assert_eq!(frame.kind, kind);
    }
    for octet in [0, 4, 5, 6, 7, 9, b'A', 255] {
        let error = parse_frame(&[octet, 0, 5, 0, 0, 0, 1, 7, 0xCE], 0).unwrap_err();
        assert!(matches!(error, FrameError::UnknownKind { channel: 5, length: 9, .. }), "{octet}: {error:?}");
    }
}

#[test]
fn an_oversized_frame_is_refused_before_its_payload_arrives() {
    let header = unhex("03 0001 00020001");
    let error = parse_frame(&header, 131_072).unwrap_err();
    assert_eq!(error, FrameError::TooLarge { kind: 3, channel: 1, size: 131_073, size_max: 131_064 });
    assert_eq!(parse_frame(&header, 0), Ok(None), "no limit");
    // RabbitMQ lets the payload be as long as the whole frame may be.
    assert_eq!(parse_frame(&unhex("03 0001 00020000"), 131_072), Ok(None));
}

#[test]
fn a_frame_without_its_end_is_refused() {
    let error = parse_frame(&unhex("03 0001 00000002 6162 cd"), 4096).unwrap_err();
    let FrameError::MissingEnd { kind: 3, channel: 1, payload, end: 0xCD } = error else {
        panic!("{error:?}")
    };
    assert_eq!(payload.as_bytes(), b"ab");
    assert!(payload.is_whole());
}

#[test]
fn a_body_is_split_so_that_each_frame_fits() {
    let pieces = |len: usize, frame_max| {
        let mut out = Vec::new();
        put_body(&mut out, 1, &vec![0; len], frame_max);
        let (mut at, mut sizes) = (0, Vec::new());
        while let Some((frame, length)) = parse_frame(&out[at..], 0).unwrap() {
            assert_eq!((frame.kind, frame.channel), (FrameKind::Body, 1));
            sizes.push(frame.payload.len());
            at += length;
        }
        assert_eq!(at, out.len());
        sizes
    };
    assert_eq!(pieces(0, 4096), []);
    assert_eq!(pieces(1, 4096), [1]);
    assert_eq!(pieces(4088, 4096), [4088]);
    assert_eq!(pieces(4089, 4096), [4088, 1]);
    assert_eq!(pieces(10_000, 4096), [4088, 4088, 1824]);
    assert_eq!(pieces(10_000, 0), [10_000]);
}

#[test]
fn frames_are_appended() {
    let mut out = b"before".to_vec();
    let frame = begin_frame(&mut out, FrameKind::Method, 7);
    out.put_u32(0x005A_000A);
    frame.end(&mut out);
    assert_eq!(hex(&out), hex(b"before") + "010007" + "00000004" + "005a000a" + "ce");
}
