//! The list of services, read by `crates/recording/src/raw/services.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolwatch_recording::{raw::services, synthetic::TARGETS};

fuzz_target!(|data: &[u8]| {
    let _refused = TARGETS.map(|target| services::parse(target.buffer(data)));
});
