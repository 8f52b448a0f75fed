//! The kernel's buffer, read by `crates/recording/src/raw/processes.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolwatch_recording::{raw::processes, synthetic::TARGETS};

fuzz_target!(|data: &[u8]| {
    let _refused = TARGETS.map(|target| processes::parse(target.buffer(data)));
});
