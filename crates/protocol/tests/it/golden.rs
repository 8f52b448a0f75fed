//! The bytes of every release. A change here breaks agents in the field: it needs a new section
//! number, not a new golden file.

use std::{fs, path::PathBuf};

use poolwatch_model::{
    Snapshot,
    process::{ProcessActivity, ProcessHandles, ProcessKey},
    snapshot::PoolFailures,
};
use poolwatch_protocol::v1::{Decoder, Encoder, Envelope, frame};

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

/// Sections 12 to 14, which an agent that is older does not send.
#[test]
fn activity_handles_by_type_and_failures_are_the_released_bytes() {
    let key = ProcessKey { pid: 416, created: None };
    let snapshot = Snapshot {
        activity: vec![ProcessActivity { key, reads: 3, writes: 200, others: 0 }],
        handles_by_type: vec![ProcessHandles {
            key,
            by_type: [("File".to_owned(), 5), ("Thread".to_owned(), 90_000)].into(),
        }],
        pool_failures: Some(PoolFailures { nonpaged: 300, paged: 2 }),
        ..Snapshot::default()
    };
    let stamp = stamp(1, 1);
    let bytes = frame::decompress(&Encoder::default().encode(stamp, snapshot.clone())).unwrap();
    let sections = Envelope::parse(&bytes).unwrap().sections;
    let section = |number| {
        let found = sections.iter().find(|section| section.number == number).unwrap();
        hex::encode(found.bytes)
    };
    assert_eq!(section(12), "01a0030003c80100");
    assert_eq!(section(13), "02a003000446696c6505a0030006546872656164 90bf05".replace(' ', ""));
    assert_eq!(section(14), "ac0202");
    let mut decoder = Decoder::default();
    assert_eq!(decoder.decode(&frame::compress(&bytes)).unwrap().snapshot, snapshot);
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
