//! Events of a trace below the header that declares their columns.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| poolwatch_fuzz::evidence(
    "PoolAlloc, TimeStamp, CPU, Type, Tag, Size, Address\nPoolAlloc, 1, 0, Nonp, 'Abcd', 64, 0xff01\n",
    data
));
