//! Tables whose rows name the figure of their value.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| poolwatch_fuzz::evidence(
    "time;host;metric;value\n2026-05-11 08:00:00;a;Pool Paged Bytes;1\n",
    data
));
