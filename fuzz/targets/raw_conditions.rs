//! Three bytes of ours, read by `agent/src/raw/conditions.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolwatch_agent::raw::conditions;

fuzz_target!(|data: &[u8]| {
    let _refused = conditions::parse(data);
});
