//! The counters of the Server service, read by `crates/recording/src/raw/server_service.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolwatch_recording::{raw::server_service, synthetic::TARGETS};

fuzz_target!(|data: &[u8]| {
    let _refused = TARGETS.map(|target| server_service::parse(target.buffer(data)));
    let _none = server_service::find_numbers(data);
});
