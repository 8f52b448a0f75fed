//! Bytes that no agent sends.

use poolwatch_protocol::{
    limits,
    v1::{Batch, Decoder, Encoder, Envelope, FrameError, Section, envelope::EnvelopeError, frame},
};
use proptest::prelude::*;

use crate::snapshots::{example, stamp};

proptest! {
    #[test]
    fn arbitrary_bytes_are_refused_not_feared(bytes: Vec<u8>) {
        let _ = Batch::parse(&bytes);
        let _ = Envelope::parse(&bytes);
        let _ = Decoder::default().decode(&bytes);
        let _ = Decoder::default().decode(&frame::compress(&bytes));
    }

    #[test]
    fn a_damaged_envelope_never_panics(
        at in any::<prop::sample::Index>(),
        value: u8,
        cut in any::<prop::sample::Index>(),
    ) {
        let mut encoder = Encoder::default();
        let key = encoder.encode(stamp(1, 1), example(1));
        let delta = encoder.encode(stamp(1, 2), example(2));
        for sent in [&key, &delta] {
            let mut bytes = frame::decompress(sent).unwrap();
            let place = at.index(bytes.len());
            bytes[place] = value;
            bytes.truncate(cut.index(bytes.len()) + 1);
            let mut decoder = Decoder::default();
            decoder.decode(&key).unwrap();
            let _ = decoder.decode(&frame::compress(&bytes));
        }
    }
}

#[test]
fn a_compression_bomb_is_refused_by_its_size_alone() {
    let bomb = zstd::bulk::compress(&vec![0_u8; limits::ENVELOPE_BYTES + 1], 19).unwrap();
    assert!(bomb.len() < 10_000);
    assert!(frame::decompress(&bomb).is_err());
}

#[test]
fn a_frame_that_hides_its_size_is_refused() {
    use std::io::Write;
    let mut stream = zstd::stream::Encoder::new(Vec::new(), 3).unwrap();
    for _ in 0..4 {
        stream.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let hidden = stream.finish().unwrap();
    assert!(frame::decompress(&hidden).is_err());
}

/// A key frame whose only section holds so many rows of processes, each with so many empty services.
fn services(processes: u32, services: usize) -> Vec<u8> {
    let row = |pid| {
        let (pid, created, image, session): (u32, u64, &str, Option<u32>) = (pid, 0, "", None);
        let none: [Option<u64>; 5] = [None; 5];
        (pid, created, image, session, vec![""; services], none)
    };
    let rows: Vec<_> = (0..processes).map(row).collect();
    one_section(4, &postcard::to_allocvec(&rows).unwrap())
}

#[test]
fn lists_of_empty_services_are_refused_beyond_what_a_host_can_have() {
    let decode = |frame: &[u8]| Decoder::default().decode(frame).map(|_| ());
    assert_eq!(decode(&services(32, 512)), Ok(()));
    assert!(decode(&services(1, 513)).is_err());
    assert!(decode(&services(32_000, 500)).is_err(), "16 million of them");
}

#[test]
fn names_lose_what_no_database_and_no_mail_can_hold() {
    let mut snapshot = example(1);
    let processes = snapshot.processes.as_mut().unwrap();
    processes[0].image = "a\0b\r\nSubject: c.exe".into();
    processes[0].services = vec!["x\0y".into()];
    let frame = Encoder::default().encode(stamp(1, 1), snapshot);
    let mut decoder = Decoder::default();
    let read = decoder.decode(&frame).unwrap().snapshot.processes.as_ref().unwrap();
    assert_eq!(read[0].image, "a\u{fffd}b\u{fffd}\u{fffd}Subject: c.exe");
    assert_eq!(read[0].services, ["x\u{fffd}y"]);
}

#[test]
fn another_version_is_told_from_nonsense() {
    let mut encoder = Encoder::default();
    let frame = encoder.encode(stamp(1, 1), example(1));
    let mut bytes = frame::decompress(&frame).unwrap();
    bytes[0] = 9;
    let error = Decoder::default().decode(&frame::compress(&bytes)).unwrap_err();
    assert_eq!(error, FrameError::Envelope(EnvelopeError::Version(9)));
}

#[test]
fn sections_of_later_versions_are_skipped() {
    let mut encoder = Encoder::default();
    let bytes = frame::decompress(&encoder.encode(stamp(1, 1), example(1))).unwrap();
    let mut envelope = Envelope::parse(&bytes).unwrap();
    envelope.sections.push(Section { number: 4000, bytes: b"from the future" });
    let sent = frame::compress(&envelope.to_bytes());
    assert_eq!(Decoder::default().decode(&sent).unwrap().snapshot, example(1));
}

#[test]
fn duplicate_rows_are_refused() {
    let mut snapshot = example(1);
    let tags = snapshot.tags.as_mut().unwrap();
    tags.rows.push(tags.rows[0]);
    let frame = Encoder::default().encode(stamp(1, 1), snapshot);
    assert!(matches!(Decoder::default().decode(&frame), Err(FrameError::Section(_))));
}

#[test]
fn processes_beyond_the_limit_twice_or_out_of_order_are_refused() {
    let activity = |pids: &[u32]| {
        let rows: Vec<_> = pids.iter().map(|pid| (*pid, 0_u64, 1_u64, 1_u64, 1_u64)).collect();
        one_section(12, &postcard::to_allocvec(&rows).unwrap())
    };
    let handles = |rows: &[(u32, &str)]| {
        let rows: Vec<_> = rows.iter().map(|(pid, name)| (*pid, 0_u64, *name, 1_u32)).collect();
        one_section(13, &postcard::to_allocvec(&rows).unwrap())
    };
    let is_read = |frame: &[u8]| Decoder::default().decode(frame).is_ok();
    let many: Vec<u32> = (0..=limits::ACTIVE_PROCESSES as u32).collect();
    assert!(is_read(&activity(&many[1..])) && is_read(&activity(&[])));
    assert!(!is_read(&activity(&many)) && !is_read(&activity(&[4, 4])));
    assert!(!is_read(&activity(&[8, 4])));
    let many: Vec<(u32, &str)> =
        (0..=limits::EXAMINED_PROCESSES as u32).map(|pid| (pid, "File")).collect();
    assert!(is_read(&handles(&many[1..])) && is_read(&handles(&[(4, "File"), (4, "Key")])));
    assert!(!is_read(&handles(&many)) && !is_read(&handles(&[(4, "File"), (4, "File")])));
    assert!(!is_read(&handles(&[(4, "File"), (8, "File"), (4, "Key")])));
    let long = "a".repeat(limits::NAME_BYTES + 1);
    assert!(!is_read(&handles(&[(4, long.as_str())])));
    // As many rows as a frame could hold, each a name of nothing.
    let bomb: Vec<(u32, &str)> = vec![(4, ""); 1 << 20];
    assert!(!is_read(&handles(&bomb)));
}

/// A key frame of one section.
fn one_section(number: u64, bytes: &[u8]) -> Vec<u8> {
    let sections = vec![Section { number, bytes }];
    frame::compress(&Envelope { stamp: stamp(1, 1), base: None, sections }.to_bytes())
}
