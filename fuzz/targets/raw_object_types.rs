//! The kernel's buffer, read by `agent/src/raw/object_types.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolwatch_agent::raw::object_types;

/// Where the buffer was when the kernel filled it.
const BASE: u64 = 0x0000_01D2_4C30_0000;

fuzz_target!(|data: &[u8]| {
    let _refused = object_types::parse(data, BASE);
});
