//! Tags that exist, with sizes as they are found on a file or application server of 16 GB.
//!
//! Names and pools are public facts; sizes and paces are estimates made for this simulation. Tags
//! of kernel objects are in [`crate::objects`], since they follow from objects.

use poolwatch_model::{
    Pool::{self, Nonpaged, Paged},
    PoolTag,
};

use super::spec::{
    CACHE, Found, LEVEL, LOAD, Pace,
    Pace::{Busy, Often, Rare, Still},
    Spec,
};
use crate::{hosts::Era, patterns::workload::WorkloadPattern};

type Row = (&'static [u8; 4], Pool, u64, u64, Pace, WorkloadPattern, u64);

/// Tag, pool, bytes of an allocation, kilobytes in use, pace, pattern, allocations per minute by a
/// hundred outstanding ones.
const EVERYWHERE: [Row; 64] = [
    (b"IoWI", Nonpaged, 96, 120, Busy, LOAD, 4000),
    (b"AlIn", Paged, 256, 1800, Often, LOAD, 300),
    (b"EtwP", Nonpaged, 1024, 2600, Often, LEVEL, 300),
    (b"Wmit", Nonpaged, 4096, 512, Still, LEVEL, 200),
    (b"WmiG", Nonpaged, 320, 90, Rare, LEVEL, 200),
    (b"WmiR", Nonpaged, 208, 140, Rare, LEVEL, 200),
    (b"Obtb", Paged, 4096, 9500, Often, LOAD, 200),
    (b"ObNm", Paged, 96, 1700, Busy, LOAD, 800),
    (b"ObSq", Paged, 192, 40, Busy, LOAD, 400_000),
    (b"ObHd", Paged, 64, 160, Often, LEVEL, 300),
    (b"ObSt", Nonpaged, 256, 30, Busy, LOAD, 600_000),
    (b"SeTd", Paged, 512, 2900, Busy, LOAD, 900),
    (b"SeTl", Nonpaged, 64, 260, Busy, LOAD, 900),
    (b"SeSd", Paged, 288, 3100, Busy, LEVEL, 500),
    (b"SeLs", Paged, 352, 80, Often, LEVEL, 200),
    (b"SePa", Paged, 128, 10, Busy, LOAD, 90_000),
    (b"MmSt", Paged, 3072, 92_000, Busy, CACHE, 200),
    (b"MmCa", Nonpaged, 336, 17_000, Busy, CACHE, 250),
    (b"MmCi", Nonpaged, 400, 1900, Often, LEVEL, 200),
    (b"MmSm", Paged, 112, 2600, Busy, CACHE, 250),
    (b"MmPb", Nonpaged, 65_536, 2048, Still, LEVEL, 200),
    (b"MmSb", Nonpaged, 160, 2400, Often, CACHE, 200),
    (b"MmLd", Nonpaged, 208, 60, Still, LEVEL, 200),
    (b"MmSe", Nonpaged, 80, 48, Rare, LEVEL, 200),
    (b"Vad ", Nonpaged, 176, 9800, Busy, LOAD, 1800),
    (b"VadS", Nonpaged, 112, 3900, Busy, LOAD, 2200),
    (b"MmCm", Nonpaged, 65_536, 6200, Still, LEVEL, 2000),
    (b"Mdl ", Nonpaged, 160, 420, Busy, LOAD, 30_000),
    (b"Irp ", Nonpaged, 520, 2300, Busy, LOAD, 60_000),
    (b"Io  ", Nonpaged, 208, 380, Busy, LOAD, 250_000),
    (b"IoNm", Paged, 224, 11_000, Busy, LOAD, 6000),
    (b"Ddk ", Nonpaged, 2048, 4100, Often, LEVEL, 300),
    (b"None", Nonpaged, 512, 900, Often, LEVEL, 300),
    (b"Pool", Nonpaged, 8192, 3300, Still, LEVEL, 200),
    (b"CM31", Paged, 4608, 54_000, Often, CACHE, 200),
    (b"CM25", Paged, 4096, 9600, Rare, LEVEL, 200),
    (b"CM10", Paged, 4096, 1700, Rare, LEVEL, 200),
    (b"CMkb", Paged, 320, 9100, Busy, CACHE, 300),
    (b"CMVa", Paged, 96, 900, Busy, LEVEL, 4000),
    (b"CMNb", Paged, 80, 2100, Often, CACHE, 200),
    (b"CcSc", Nonpaged, 624, 6200, Busy, LOAD, 1500),
    (b"CcBc", Nonpaged, 208, 700, Busy, LOAD, 2500),
    (b"CcVp", Nonpaged, 512, 420, Often, LEVEL, 300),
    (b"Strg", Paged, 128, 1300, Busy, LOAD, 8000),
    (b"AfdB", Nonpaged, 1024, 1900, Busy, LOAD, 20_000),
    (b"AfdX", Nonpaged, 512, 360, Often, LOAD, 400),
    (b"AfdC", Nonpaged, 208, 300, Busy, LOAD, 2500),
    (b"AfdE", Nonpaged, 560, 1900, Busy, LOAD, 1800),
    (b"TcpE", Nonpaged, 1488, 3200, Busy, LOAD, 1600),
    (b"TcpL", Nonpaged, 608, 90, Rare, LEVEL, 200),
    (b"Tcpt", Nonpaged, 256, 260, Busy, LOAD, 2500),
    (b"UdpA", Nonpaged, 608, 700, Busy, LEVEL, 1800),
    (b"Ipng", Nonpaged, 256, 600, Busy, LOAD, 5000),
    (b"NDpp", Nonpaged, 4096, 5200, Often, LEVEL, 200),
    (b"NDnd", Nonpaged, 512, 600, Rare, LEVEL, 200),
    (b"Ntf0", Paged, 512, 2500, Often, LEVEL, 300),
    (b"NtfF", Paged, 704, 16_000, Busy, CACHE, 300),
    (b"NtfC", Paged, 128, 4300, Busy, LOAD, 4000),
    (b"NtFs", Paged, 352, 12_000, Busy, CACHE, 2500),
    (b"NtxF", Nonpaged, 432, 9100, Busy, CACHE, 300),
    (b"HalD", Nonpaged, 4096, 2300, Still, LEVEL, 200),
    (b"AcpD", Nonpaged, 1024, 900, Still, LEVEL, 200),
    (b"AmlH", Nonpaged, 65_536, 576, Still, LEVEL, 200),
    (b"FOCX", Paged, 96, 700, Often, LOAD, 400),
];

const MODERN: [Row; 31] = [
    (b"AlMs", Paged, 400, 500, Busy, LOAD, 9000),
    (b"EtwB", Nonpaged, 65_536, 46_000, Often, LEVEL, 300),
    (b"EtwG", Nonpaged, 640, 2900, Rare, LEVEL, 200),
    (b"EtwC", Nonpaged, 368, 24, Rare, LEVEL, 200),
    (b"SeAt", Paged, 288, 2200, Busy, LOAD, 900),
    (b"Wnf ", Paged, 160, 900, Busy, LEVEL, 600),
    (b"ConT", Nonpaged, 65_536, 21_000, Still, LEVEL, 200),
    (b"Cont", Nonpaged, 65_536, 9400, Still, LEVEL, 200),
    (b"TcTW", Nonpaged, 176, 90, Busy, LOAD, 3000),
    (b"WfpF", Nonpaged, 512, 800, Often, LEVEL, 200),
    (b"WfpC", Nonpaged, 288, 60, Still, LEVEL, 200),
    (b"WfpH", Nonpaged, 4096, 700, Still, LEVEL, 200),
    (b"Nbuf", Nonpaged, 2048, 4600, Busy, LOAD, 3000),
    (b"NDrt", Nonpaged, 2048, 600, Still, LEVEL, 200),
    (b"NtFC", Nonpaged, 384, 900, Busy, LOAD, 80_000),
    (b"FMfn", Paged, 512, 31_000, Busy, CACHE, 2500),
    (b"FMsl", Nonpaged, 256, 8200, Busy, CACHE, 300),
    (b"FMfc", Paged, 128, 900, Often, LEVEL, 300),
    (b"FMwi", Nonpaged, 192, 60, Often, LOAD, 500),
    (b"VoSm", Nonpaged, 65_536, 2300, Rare, LEVEL, 200),
    (b"smNp", Nonpaged, 8192, 12_000, Often, CACHE, 200),
    (b"smSt", Nonpaged, 4096, 4600, Often, LEVEL, 200),
    (b"HTab", Paged, 1024, 500, Rare, LEVEL, 200),
    (b"DxgK", Nonpaged, 512, 1600, Often, LEVEL, 200),
    (b"Gpbm", Paged, 16_384, 8200, Often, LOAD, 300),
    (b"Gla1", Paged, 1040, 500, Often, LOAD, 300),
    (b"Gla5", Paged, 480, 300, Often, LOAD, 300),
    (b"Uspi", Paged, 880, 300, Often, LOAD, 200),
    (b"Usqm", Paged, 144, 40, Busy, LOAD, 9000),
    (b"Usti", Paged, 640, 600, Often, LOAD, 200),
    (b"TmTm", Nonpaged, 208, 20, Rare, LEVEL, 200),
];

const LEGACY: [Row; 5] = [
    (b"TCPT", Nonpaged, 448, 300, Busy, LOAD, 2500),
    (b"LSwi", Nonpaged, 4096, 900, Rare, LEVEL, 200),
    (b"LSwn", Nonpaged, 2048, 600, Often, LOAD, 300),
    (b"LScn", Nonpaged, 512, 90, Often, LOAD, 300),
    (b"Ntfx", Nonpaged, 320, 1500, Busy, LEVEL, 500),
];

/// All of them.
pub(super) fn specs() -> Vec<Spec> {
    let of = |rows: &'static [Row], found: Found| {
        rows.iter().map(move |&(tag, pool, unit, kilobytes, pace, pattern, churn)| Spec {
            tag: PoolTag::new(*tag),
            pool,
            unit,
            typical: kilobytes * 1024,
            pace,
            pattern,
            // Given by the hundred, kept by the thousand.
            churn: churn * 10,
            found,
            made_up: false,
        })
    };
    of(&EVERYWHERE, Found::Everywhere)
        .chain(of(&MODERN, Found::Era(Era::Modern)))
        .chain(of(&LEGACY, Found::Era(Era::Legacy)))
        .collect()
}
