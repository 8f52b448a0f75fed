//! Tables whose heads stand in their first column.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| poolwatch_fuzz::evidence("| | now |\n|---|---|\n| Nonpaged pool | 2 GB |\n", data));
