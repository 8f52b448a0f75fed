//! Envelopes: a key frame, and a delta that follows it. The input is cut at its first byte.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolwatch_protocol::v1::{Decoder, Envelope};

fuzz_target!(|data: &[u8]| {
    let Some((cut, rest)) = data.split_first() else { return };
    let (first, second) = rest.split_at(rest.len() * usize::from(*cut) / 256);
    let mut decoder = Decoder::default();
    for bytes in [rest, first, second] {
        if let Ok(envelope) = Envelope::parse(bytes) {
            let _refused = decoder.apply(&envelope);
        }
    }
});
