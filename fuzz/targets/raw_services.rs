//! The list of services, read by `agent/src/raw/services.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolwatch_agent::{raw::services, synthetic::TARGETS};

fuzz_target!(|data: &[u8]| {
    let _refused = TARGETS.map(|target| services::parse(target.buffer(data)));
});
