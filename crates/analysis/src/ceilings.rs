//! Limits of the pools: measured where a debugger told, else the vendor's documented rule.
//!
//! Source of the rules: Microsoft, "Memory Limits for Windows and Windows Server Releases". No
//! user-mode call returns the true limit, and allocation fails earlier than these ceilings.

use poolwatch_model::{
    Bytes, Pool,
    host::{Arch, OsVersion},
    memory::{Ceiling, CeilingSource, Memory},
};

const MB: u64 = 1 << 20;
const GB: u64 = 1 << 30;
const TB: u64 = 1 << 40;

/// The limit of a pool as well as it is known.
#[must_use]
pub fn pool_ceiling(memory: &Memory, os: Option<&OsVersion>, pool: Pool) -> Option<Ceiling> {
    if let Some(bytes) = memory.limit_of(pool) {
        return Some(Ceiling { bytes, source: CeilingSource::Measured });
    }
    let bytes =
        documented(os?, memory.physical?.0, memory.commit_limit.map(|limit| limit.0), pool)?;
    Some(Ceiling { bytes: Bytes(bytes), source: CeilingSource::Documented })
}

fn documented(os: &OsVersion, ram: u64, commit_limit: Option<u64>, pool: Pool) -> Option<u64> {
    let version = (os.major, os.minor);
    if os.arch == Arch::X86 {
        return match (pool, version) {
            // Without /3GB, which halves it; the system decides at boot and may give less.
            (Pool::Nonpaged, (5, _)) => Some(256 * MB),
            (Pool::Paged, (5, 1)) => Some(490 * MB),
            (Pool::Paged, (5, _)) => Some(530 * MB),
            (Pool::Nonpaged, (6, 1..)) => Some((ram / 4 * 3).min(2 * GB)),
            (Pool::Nonpaged, (10.., _)) => Some((ram / 4 * 3).min(2 * GB)),
            (Pool::Paged, (6, 2..) | (10.., _)) => Some(2 * GB),
            // Bounded by kernel address space alone.
            _ => None,
        };
    }
    match pool {
        Pool::Nonpaged => Some(match version {
            (5, _) => 128 * GB,
            (6, 0) => (ram / 5 * 2).min(128 * GB),
            (6, 1) => (ram / 4 * 3).min(128 * GB),
            (6, 2) => ram.min(128 * GB),
            _ => ram.min(16 * TB),
        }),
        Pool::Paged => {
            let most = match version {
                (5, _) => return Some(128 * GB),
                (6, 0 | 1) => 128 * GB,
                (6, 2) => 384 * GB,
                _ => 15 * TB + TB / 2,
            };
            Some(commit_limit?.min(most))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn os(major: u32, minor: u32, arch: Arch) -> OsVersion {
        OsVersion { product: String::new(), major, minor, build: 0, revision: 0, arch }
    }

    #[test]
    fn documented_ceilings_follow_the_vendors_table() {
        let ram = 16 * GB;
        for (os, pool, expected) in [
            (os(5, 2, Arch::X86), Pool::Nonpaged, Some(256 * MB)),
            (os(5, 2, Arch::X86), Pool::Paged, Some(530 * MB)),
            (os(6, 0, Arch::X64), Pool::Nonpaged, Some(ram / 5 * 2)),
            (os(6, 1, Arch::X64), Pool::Nonpaged, Some(12 * GB)),
            (os(6, 3, Arch::X64), Pool::Nonpaged, Some(ram)),
            (os(10, 0, Arch::X64), Pool::Nonpaged, Some(ram)),
            (os(10, 0, Arch::X64), Pool::Paged, Some(20 * GB)),
            (os(6, 0, Arch::X86), Pool::Paged, None),
        ] {
            assert_eq!(documented(&os, ram, Some(20 * GB), pool), expected, "{os:?} {pool}");
        }
    }

    #[test]
    fn a_measured_limit_beats_the_documented_one() {
        let memory = Memory {
            nonpaged_limit: Some(Bytes::from_kib(217_112)),
            physical: Some(Bytes(GB)),
            ..Memory::default()
        };
        let ceiling = pool_ceiling(&memory, Some(&os(5, 2, Arch::X86)), Pool::Nonpaged);
        let measured = Ceiling { bytes: Bytes::from_kib(217_112), source: CeilingSource::Measured };
        assert_eq!(ceiling, Some(measured));
    }
}
