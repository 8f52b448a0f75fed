//! A driver's file, read by `crates/tagscan`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolwatch_tagscan::{describe, scan};

fuzz_target!(|data: &[u8]| {
    let _refused = scan(data, Some("WdfSample"));
    let _refused = describe(data);
});
