//! Binary event logs, written here byte by byte: [MS-EVEN6] 2.2.12 (BinXml), and the layout of files,
//! chunks and records as public descriptions of the format have it.

use poolwatch_evidence::{PieceContent, Reading, read};
use poolwatch_model::{Pool, event::EventKind};
use proptest::prelude::*;

const CHUNK: usize = 65_536;
const CHUNK_HEAD: usize = 512;

/// A chunk that is being written. Names are written where they are used, by their place in the chunk.
struct Chunk {
    bytes: Vec<u8>,
    records: u64,
}

impl Chunk {
    fn new() -> Self {
        Self { bytes: vec![0; CHUNK_HEAD], records: 0 }
    }

    fn u16(&mut self, value: u16) {
        self.bytes.extend(value.to_le_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.bytes.extend(value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.bytes.extend(value.to_le_bytes());
    }

    fn chars(&mut self, text: &str) {
        self.u16(text.encode_utf16().count() as u16);
        text.encode_utf16().for_each(|unit| self.u16(unit));
    }

    fn name(&mut self, name: &str) {
        let here = self.bytes.len() as u32 + 4;
        self.u32(here);
        // The next of its bucket, and its hash.
        self.u32(0);
        self.u16(0);
        self.chars(name);
        self.u16(0);
    }

    fn text(&mut self, text: &str) {
        self.bytes.extend([0x05, 0x01]);
        self.chars(text);
    }

    fn element(&mut self, name: &str, attributes: &[(&str, &str)], inside: impl FnOnce(&mut Self)) {
        self.bytes.push(if attributes.is_empty() { 0x01 } else { 0x41 });
        let size = self.reserve();
        self.name(name);
        if !attributes.is_empty() {
            let list = self.reserve();
            for (at, (name, value)) in attributes.iter().enumerate() {
                self.bytes.push(if at + 1 == attributes.len() { 0x06 } else { 0x46 });
                self.name(name);
                self.text(value);
            }
            self.settle(list);
        }
        self.bytes.push(0x02);
        inside(self);
        self.bytes.push(0x04);
        self.settle(size);
    }

    fn reserve(&mut self) -> usize {
        self.u32(0);
        self.bytes.len()
    }

    fn settle(&mut self, from: usize) {
        let size = (self.bytes.len() - from) as u32;
        self.bytes[from - 4..from].copy_from_slice(&size.to_le_bytes());
    }

    fn record(&mut self, provider: &str, event_id: &str) {
        let begin = self.bytes.len();
        self.records += 1;
        self.bytes.extend([0x2A, 0x2A, 0, 0]);
        self.u32(0);
        self.u64(self.records);
        self.u64(133_500_000_000_000_000);
        self.bytes.extend([0x0F, 0x01, 0x01, 0x00]);
        self.element("Event", &[], |chunk| {
            chunk.element("System", &[], |chunk| {
                chunk.element("Provider", &[("Name", provider)], |_| ());
                chunk.element("EventID", &[], |chunk| chunk.text(event_id));
                let time = [("SystemTime", "2026-03-04T05:06:07.000Z")];
                chunk.element("TimeCreated", &time, |_| ());
                chunk.element("Channel", &[], |chunk| chunk.text("System"));
                chunk.element("Computer", &[], |chunk| chunk.text("fs-02.example.org"));
            });
        });
        self.bytes.push(0);
        let size = (self.bytes.len() - begin + 4) as u32;
        self.u32(size);
        self.bytes[begin + 4..begin + 8].copy_from_slice(&size.to_le_bytes());
    }

    /// The whole file: its head, and this chunk.
    fn file(mut self) -> Vec<u8> {
        let end = self.bytes.len() as u32;
        let mut head = b"ElfChnk\0".to_vec();
        for number in [1, self.records, 1, self.records] {
            head.extend(number.to_le_bytes());
        }
        for value in [128, end, end] {
            head.extend(u32::to_le_bytes(value));
        }
        self.bytes[..head.len()].copy_from_slice(&head);
        self.bytes.resize(CHUNK, 0);
        let mut file = b"ElfFile\0".to_vec();
        for number in [0, 0, self.records + 1] {
            file.extend(u64::to_le_bytes(number));
        }
        file.extend(128_u32.to_le_bytes());
        for number in [1_u16, 3, 4096, 1] {
            file.extend(number.to_le_bytes());
        }
        file.resize(4096, 0);
        file.extend(self.bytes);
        file
    }
}

fn log() -> Vec<u8> {
    let mut chunk = Chunk::new();
    chunk.record("Service Control Manager", "7036");
    chunk.record("Srv", "2019");
    chunk.record("Microsoft-Windows-Setup", "2004");
    chunk.record("srv", "2020");
    chunk.file()
}

fn kinds(reading: &Reading) -> Vec<EventKind> {
    let event = |content: &PieceContent| match content {
        PieceContent::Event(event) => Some(event.kind()),
        _ => None,
    };
    reading.pieces.iter().filter_map(|piece| event(&piece.content)).collect()
}

#[test]
fn events_of_pools_are_read_from_a_binary_log() {
    let reading = read("System.evtx", &log());
    let both = [EventKind::PoolEmpty(Pool::Nonpaged), EventKind::PoolEmpty(Pool::Paged)];
    assert_eq!(kinds(&reading), both, "{:?}", reading.ignored);
    assert_eq!(reading.pieces[0].lines, (2, 2), "the number of its record");
    let PieceContent::Event(event) = &reading.pieces[0].content else { panic!() };
    assert_eq!(event.computer.as_deref(), Some("fs-02.example.org"));
    assert_eq!(event.time, "2026-03-04T05:06:07Z".parse().unwrap());
    assert_eq!(reading.ignored, []);
}

#[test]
fn a_log_without_them_says_so_and_a_cut_one_tells_what_is_whole() {
    let mut other = Chunk::new();
    other.record("Service Control Manager", "7036");
    let reading = read("Application.evtx", &other.file());
    assert!(reading.ignored[0].reason.to_string().contains("System log"));

    let mut bytes = log();
    let second = bytes.windows(4).enumerate().filter(|(_, four)| *four == b"\x2A\x2A\0\0");
    let last = second.map(|(at, _)| at).max().unwrap();
    bytes[last + 24..last + 60].fill(0xEE);
    let reading = read("System.evtx", &bytes);
    assert_eq!(kinds(&reading), [EventKind::PoolEmpty(Pool::Nonpaged)]);
    assert!(reading.ignored[0].reason.to_string().contains("wevtutil"), "{:?}", reading.ignored);
}

proptest! {
    #[test]
    fn damage_anywhere_disturbs_nothing(damage in prop::collection::vec((0..8192_usize, any::<u8>()), 1..60)) {
        let mut bytes = log();
        for (at, byte) in damage.into_iter().filter(|(at, _)| *at >= 8) {
            bytes[at] = byte;
        }
        let reading = read("System.evtx", &bytes);
        prop_assert!(reading.pieces.len() <= 4);
    }
}
