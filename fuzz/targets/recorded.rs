//! What the agent wrote on a machine: captures, and segments of the spool behind a head that is right.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolwatch_recording::{
    recorded,
    spool::segment::{RECORD_HEAD, head, seal},
};

fuzz_target!(|data: &[u8]| {
    let mut record = [&[0; RECORD_HEAD], data].concat();
    seal(&mut record);
    for bytes in [data, &[&head(7), &record[..]].concat()] {
        let _refused = recorded::read(bytes, 10);
    }
});
