//! The kernel's buffer, read by `agent/src/raw/modules.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolwatch_agent::raw::modules;

fuzz_target!(|data: &[u8]| {
    let _refused = modules::parse(data);
});
