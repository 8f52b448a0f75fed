//! A segment of the agent's spool, read by `crates/recording/src/spool/segment.rs`: the input behind a head that
//! is right, and as the content of a record whose checksum is right.
#![no_main]

use std::{io::Cursor, path::Path};

use libfuzzer_sys::fuzz_target;
use poolwatch_recording::spool::segment::{Next, RECORD_HEAD, SegmentReader, head, seal};

const NUMBER: u64 = 7;

fuzz_target!(|data: &[u8]| {
    let mut record = [&[0; RECORD_HEAD], data].concat();
    seal(&mut record);
    for records in [data, &record] {
        read(&[&head(NUMBER), records].concat());
    }
});

/// Every record takes the reader on, and none past the end.
fn read(segment: &[u8]) {
    let mut reader =
        SegmentReader::new(Cursor::new(segment), Path::new("fuzz"), NUMBER, 0).unwrap();
    let mut before = 0;
    while let Next::Entry(_) = reader.next_entry().unwrap() {
        assert!(reader.offset() > before && reader.offset() <= segment.len() as u64);
        before = reader.offset();
    }
}
