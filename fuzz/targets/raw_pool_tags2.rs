//! The kernel's buffer, read by `crates/recording/src/raw/pool_tags.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolwatch_recording::{raw::pool_tags, synthetic::TARGETS};

fuzz_target!(|data: &[u8]| {
    let _refused = TARGETS.map(|target| pool_tags::parse2(target.buffer(data)));
});
