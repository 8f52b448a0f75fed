//! What an agent uploads: a batch of frames, each decompressed and decoded.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolwatch_protocol::v1::{Batch, Decoder};

fuzz_target!(|data: &[u8]| {
    if let Ok(batch) = Batch::parse(data) {
        let mut decoder = Decoder::default();
        for frame in &batch.frames {
            let _refused = decoder.decode(frame);
        }
    }
});
