//! Capture files of the agent.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolwatch_recording::capture::Capture;

fuzz_target!(|data: &[u8]| {
    let _refused = Capture::parse(data);
});
