//! The kernel's buffer, read by `agent/src/raw/pool_tags.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolwatch_agent::{raw::pool_tags, synthetic::TARGETS};

fuzz_target!(|data: &[u8]| {
    let _refused = TARGETS.map(|target| pool_tags::parse(target.buffer(data)));
});
