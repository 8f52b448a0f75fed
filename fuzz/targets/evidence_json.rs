//! Objects in JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| poolwatch_fuzz::evidence("[{\"Name\": \"a\", \"Id\": 4, \"HandleCount\": 1}, ", data));
