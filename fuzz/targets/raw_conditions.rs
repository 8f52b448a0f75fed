//! Three bytes of ours, read by `crates/recording/src/raw/conditions.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolwatch_recording::raw::conditions;

fuzz_target!(|data: &[u8]| {
    let _refused = conditions::parse(data);
});
