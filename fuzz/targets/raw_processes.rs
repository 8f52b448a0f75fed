//! The kernel's buffer, read by `agent/src/raw/processes.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolwatch_agent::raw::processes;

/// Where the buffer was when the kernel filled it.
const BASE: u64 = 0x0000_01D2_4C30_0000;

fuzz_target!(|data: &[u8]| {
    let _refused = processes::parse(data, BASE);
});
