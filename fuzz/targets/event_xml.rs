//! Event XML, whole and torn.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolwatch_evidence::event::{read_event, read_exhaustion};

fuzz_target!(|data: &str| {
    let _refused = read_event(data);
    let _nothing = read_exhaustion(data);
});
