//! Writes the first inputs of each target into `corpus/TARGET/`: the texts of `seeds/`, the buffers
//! of the agent's synthetic machine, the golden envelopes of the protocol,
//! a synthetic driver.

use std::{fs, io, path::Path};

use poolwatch_protocol::v1::frame;
use poolwatch_recording::{machine::InfoClass, synthetic::small_capture};
use poolwatch_tagscan::synthetic::DriverFile;

fn main() -> io::Result<()> {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus = fuzz.join("corpus");
    for target in fs::read_dir(fuzz.join("targets"))? {
        let file = target?.file_name();
        let target = file.to_string_lossy().trim_end_matches(".rs").to_owned();
        if target.starts_with("evidence_") || target == "event_xml" {
            for text in fs::read_dir(fuzz.join("seeds"))? {
                let text = text?;
                put(
                    &corpus,
                    &target,
                    &text.file_name().to_string_lossy(),
                    &fs::read(text.path())?,
                )?;
            }
        }
    }
    buffers(&corpus)?;
    let mut driver = DriverFile::new(true, &["ExAllocatePool2", "ExFreePoolWithTag"]);
    driver.use_framework();
    driver.add(b"\x41\xB8Fooq\x33\xC9").call("ExAllocatePool2");
    driver.add(b"\xBAFooq\x48\x8B\xCF").call_by_jump("ExFreePoolWithTag");
    put(&corpus, "tagscan", "driver", &driver.build())?;
    protocol(&fuzz.join("../crates/protocol/tests/golden/v1"), &corpus)
}

/// What the synthetic machine answers in its first round, and the capture of all rounds.
fn buffers(corpus: &Path) -> io::Result<()> {
    let capture = small_capture();
    for (class, answer) in &capture.rounds[0].answers {
        let target = match class {
            InfoClass::Basic => "raw_basic",
            InfoClass::Performance => "raw_performance",
            InfoClass::PerformanceInfo => "raw_performance_info",
            InfoClass::Processes => "raw_processes",
            InfoClass::Modules => "raw_modules",
            InfoClass::PoolTags => "raw_pool_tags",
            InfoClass::PoolTags2 => "raw_pool_tags2",
            InfoClass::Handles => "raw_handles",
            InfoClass::ObjectTypes => "raw_object_types",
            InfoClass::Services => "raw_services",
            InfoClass::MemoryConditions => "raw_conditions",
            InfoClass::ServerService => "raw_server_service",
        };
        if let Ok(buffer) = answer {
            put(corpus, target, "synthetic", &buffer.bytes)?;
            // As anonymous.rs chooses; what it does not know, it takes for another.
            let chosen = match class {
                InfoClass::Processes => 0,
                InfoClass::Modules => 1,
                InfoClass::Services => 2,
                _ => 3,
            };
            put(corpus, "anonymous", target, &[&[chosen], buffer.bytes.as_slice()].concat())?;
        }
    }
    let mut file = Vec::new();
    capture.write(&mut file).map_err(io::Error::other)?;
    put(corpus, "capture", "synthetic", &file)?;
    // Contents of records: a frame, an event.
    put(corpus, "spool_segment", "frame", &[&[1], [7; 24].as_slice(), b"frame"].concat())?;
    let event = br#"{"time":"2024-03-01T10:20:30Z","record_id":1,"channel":"System","provider":"Srv","event_id":2019}"#;
    put(corpus, "spool_segment", "event", &[&[2, 1], event.as_slice()].concat())
}

/// The golden envelopes: alone, and as frames of a batch.
fn protocol(golden: &Path, corpus: &Path) -> io::Result<()> {
    // A batch begins with its version, the boot's id, uptime and wall clock.
    let mut batch = vec![1];
    batch.extend([7; 16]);
    batch.extend([0, 0]);
    for name in ["key.envelope", "delta.envelope"] {
        let envelope = fs::read(golden.join(name))?;
        put(corpus, "protocol_envelope", name, &[&[0], envelope.as_slice()].concat())?;
        let frame = frame::compress(&envelope);
        let mut length = frame.len();
        while length >= 0x80 {
            batch.push(length as u8 | 0x80);
            length >>= 7;
        }
        batch.push(length as u8);
        batch.extend(frame);
    }
    put(corpus, "protocol_batch", "golden", &batch)?;
    put(
        corpus,
        "protocol_messages",
        "snapshot",
        br#"{"host":"a","time":"2024-03-01T10:20:30Z","snapshot":{}}"#,
    )
}

fn put(corpus: &Path, target: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
    let folder = corpus.join(target);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(name), bytes)
}
