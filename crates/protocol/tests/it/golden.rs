//! The bytes of every release. A change here breaks agents in the field: it needs a new section
//! number, not a new golden file.

use std::{fs, path::PathBuf};

use poolwatch_protocol::v1::{Decoder, Encoder, frame};

use crate::snapshots::{example, stamp};

/// What is written now, and the step of the example that it tells.
const WRITTEN: [(&str, u64); 2] = [("key", 1), ("delta-expected", 2)];
/// What was written ever.
const READ: [&[(&str, u64)]; 2] = [&[("key", 1), ("delta", 2)], &WRITTEN];

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/v1/{name}.envelope"))
}

#[test]
fn envelopes_are_the_released_bytes() {
    let mut encoder = Encoder::default();
    for (name, step) in WRITTEN {
        let bytes = frame::decompress(&encoder.encode(stamp(0xB007, step), example(step))).unwrap();
        if std::env::var_os("WRITE_NEW_GOLDEN_FILES").is_some() && !golden(name).exists() {
            fs::write(golden(name), &bytes).unwrap();
        }
        let released = fs::read(golden(name)).unwrap();
        assert_eq!(hex::encode(bytes), hex::encode(released), "{name}");
    }
}

#[test]
fn released_bytes_still_decode() {
    for chain in READ {
        let mut decoder = Decoder::default();
        for (name, step) in chain {
            let released = fs::read(golden(name)).unwrap();
            let decoded = decoder.decode(&frame::compress(&released)).unwrap();
            assert_eq!(decoded.stamp, stamp(0xB007, *step));
            assert_eq!(decoded.snapshot, example(*step));
        }
    }
}

#[test]
fn json_messages_are_the_released_text() {
    use poolwatch_model::HostId;
    use poolwatch_protocol::v1::messages::{EnrolReply, FrameId, FramesReply, Suggestions};
    let suggestions = Suggestions { interval_s: Some(60) };
    let reply =
        EnrolReply { host_id: HostId(7), host_key: "secret".into(), pending: false, suggestions };
    assert_eq!(
        serde_json::to_string(&reply).unwrap(),
        r#"{"host_id":7,"host_key":"secret","pending":false,"suggestions":{"interval_s":60}}"#
    );
    let reply = FramesReply {
        acknowledged: Some(FrameId { boot: stamp(0xB007, 1).boot, seq: 4 }),
        need_key: false,
        refused: vec![],
        suggestions: Suggestions::default(),
    };
    assert_eq!(
        serde_json::to_string(&reply).unwrap(),
        r#"{"acknowledged":{"boot":"00000000-0000-0000-0000-00000000b007","seq":4},"need_key":false,"suggestions":{}}"#
    );
}
