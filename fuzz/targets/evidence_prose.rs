//! Sentences.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| poolwatch_fuzz::evidence("The nonpaged pool leaks: tag `Qvfz` of foo.exe holds 2 GB. ", data));
