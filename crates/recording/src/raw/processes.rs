//! Class 5, `SystemProcessInformation`: every process, each followed by its threads.
//!
//! Entries are chained by `NextEntryOffset`, which only leads forward; an image name is an absolute
//! pointer into the buffer as it lay when the kernel filled it.

use jiff::Timestamp;
use poolwatch_model::process::ProcessUse;
use poolwatch_protocol::limits;

use super::{
    RawBuffer, RawError,
    fields::Fields,
    layout::{self, ProcessLayout},
};

/// How tools name process 0, which has no image.
const IDLE: &str = "System Idle Process";

/// Operations of a process since it began: reads, writes, others.
pub type Operations = [u64; 3];

/// Reads class 5. Sorted by process.
///
/// # Errors
/// As those of [`parse_with_operations`].
pub fn parse(buffer: RawBuffer<'_>) -> Result<Vec<ProcessUse>, RawError> {
    Ok(parse_with_operations(buffer)?.into_iter().map(|(process, _)| process).collect())
}

/// Reads class 5 with what each process read, wrote and did otherwise. Sorted by process.
///
/// # Errors
/// When an entry or its threads are cut short, a name points outside, the chain of entries overlaps
/// or never ends inside the buffer, or two entries are the same process.
pub fn parse_with_operations(
    buffer: RawBuffer<'_>,
) -> Result<Vec<(ProcessUse, Operations)>, RawError> {
    let what = "process list";
    let (at, thread) = (layout::process(buffer.width), layout::thread(buffer.width));
    let buffer = Fields::new(buffer, what);
    if buffer.len() == 0 {
        return Err(RawError::Empty { what });
    }
    let mut processes = Vec::new();
    let mut entries = 0;
    let mut start = 0;
    loop {
        if entries == limits::PROCESSES {
            let count = entries as u64 + 1;
            return Err(RawError::TooMany { what, count, limit: limits::PROCESSES });
        }
        let entry = buffer.from(start)?;
        entry.slice(0, at.threads)?;
        let threads = entry.u32(at.number_of_threads)?;
        let size = (threads as usize).saturating_mul(thread.size).saturating_add(at.threads);
        entry.slice(0, size)?;
        processes.extend(process(buffer, &at, start, threads)?);
        entries += 1;
        match entry.u32(at.next_entry_offset)? as usize {
            0 => break,
            // An entry that overlaps its own threads would let a small buffer claim any number.
            next if next < size => {
                return Err(RawError::Absurd {
                    what: "offset of the next process",
                    value: next as u64,
                });
            }
            next => start = start.saturating_add(next),
        }
    }
    processes.sort_by_key(|(process, _)| process.key);
    if processes.windows(2).any(|pair| pair[0].0.key == pair[1].0.key) {
        return Err(RawError::Twice { what: "a process" });
    }
    Ok(processes)
}

/// The process at `start`; `None` when its creation time cannot be. Wine leaves such entries behind
/// for processes that are going away, with nothing right in them.
fn process(
    buffer: Fields<'_>,
    at: &ProcessLayout,
    start: usize,
    threads: u32,
) -> Result<Option<(ProcessUse, Operations)>, RawError> {
    let entry = buffer.from(start)?;
    let Ok(created) = created(entry.u64(at.create_time)?) else {
        return Ok(None);
    };
    let pid = entry.process_id(at.process_id)?;
    let mut image = buffer.unicode_string(start + at.image_name)?;
    if pid == 0 && image.is_empty() {
        IDLE.clone_into(&mut image);
    }
    let process = ProcessUse {
        session: Some(entry.u32(at.session_id)?),
        handles: Some(entry.u32(at.handle_count)?),
        threads: Some(threads),
        paged_quota: Some(entry.size(at.quota_paged)?),
        nonpaged_quota: Some(entry.size(at.quota_nonpaged)?),
        // PrivatePageCount is in bytes, whatever its name says.
        private_bytes: Some(entry.size(at.private_page_count)?),
        ..ProcessUse::new(pid, created, image)
    };
    let operations = [at.read_operations, at.write_operations, at.other_operations];
    let [reads, writes, others] = operations.map(|offset| entry.u64(offset));
    Ok(Some((process, [reads?, writes?, others?])))
}

/// A FILETIME: 100 ns since 1601-01-01 UTC. 0 is unknown (the idle process).
fn created(filetime: u64) -> Result<Option<Timestamp>, jiff::Error> {
    /// 100 ns from 1601-01-01 to 1970-01-01.
    const EPOCH: i128 = 116_444_736_000_000_000;
    if filetime == 0 {
        return Ok(None);
    }
    Timestamp::from_nanosecond((i128::from(filetime) - EPOCH) * 100).map(Some)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::synthetic::{SyntheticWindows, TARGETS, X64};

    const AT: ProcessLayout = layout::process(X64.width);

    fn example() -> Vec<ProcessUse> {
        let mut idle = ProcessUse::new(0, None, IDLE);
        let mut system = ProcessUse::new(4, Timestamp::from_second(1_779_000_000).ok(), "System");
        let mut leaking =
            ProcessUse::new(416, Timestamp::from_second(1_779_990_000).ok(), "mybadäpp.exe");
        for (process, handles) in [(&mut idle, 0), (&mut system, 1200), (&mut leaking, 90_472)] {
            process.session = Some(0);
            process.handles = Some(handles);
            process.threads = Some(2);
            process.paged_quota = Some(10_000);
            process.nonpaged_quota = Some(2_000);
            process.private_bytes = Some(40 << 20);
        }
        vec![idle, system, leaking]
    }

    #[test]
    fn processes_are_read_with_their_names() {
        for target in TARGETS {
            let bytes = target.processes(&example());
            assert_eq!(parse(target.buffer(&bytes)), Ok(example()));
        }
    }

    #[test]
    fn operations_are_read() {
        for target in TARGETS {
            let mut bytes = target.processes(&example());
            let at = layout::process(target.width);
            for (offset, count) in [
                (at.read_operations, 7_u64),
                (at.write_operations, 1 << 40),
                (at.other_operations, 9),
            ] {
                bytes[offset..][..8].copy_from_slice(&count.to_le_bytes());
            }
            let parsed = parse_with_operations(target.buffer(&bytes)).unwrap();
            let operations: Vec<Operations> = parsed.iter().map(|(_, counts)| *counts).collect();
            assert_eq!(operations, [[7, 1 << 40, 9], [0; 3], [0; 3]]);
        }
    }

    #[test]
    fn a_name_outside_the_buffer_is_refused() {
        let bytes = X64.processes(&example());
        let outside = Err(RawError::Outside { what: "process list" });
        for base in [0, X64.base + 0x10_0000] {
            assert_eq!(parse(SyntheticWindows { base, ..X64 }.buffer(&bytes)), outside);
        }
    }

    #[test]
    fn a_chain_that_runs_on_the_spot_is_refused() {
        let mut bytes = X64.processes(&example());
        for next in [1_u32, 8, AT.threads as u32] {
            bytes[..4].copy_from_slice(&next.to_le_bytes());
            assert!(matches!(parse(X64.buffer(&bytes)), Err(RawError::Absurd { .. })), "{next}");
        }
        bytes[..4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(matches!(parse(X64.buffer(&bytes)), Err(RawError::Truncated { .. })));
    }

    #[test]
    fn an_entry_of_garbage_is_left_out_and_the_others_stay() {
        let mut bytes = X64.processes(&example());
        let next = u32::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
        bytes[next + 8..next + AT.image_name].fill(0x55);
        bytes[next + AT.image_name + 16..next + AT.threads].fill(0x55);
        let mut others = example();
        others.remove(1);
        assert_eq!(parse(X64.buffer(&bytes)), Ok(others));
    }

    #[test]
    fn threads_that_do_not_fit_are_refused() {
        let mut bytes = X64.processes(&example());
        bytes[AT.number_of_threads..][..4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(matches!(parse(X64.buffer(&bytes)), Err(RawError::Truncated { .. })));
    }

    #[test]
    fn the_same_process_twice_is_refused() {
        let mut twice = example();
        twice.push(twice[2].clone());
        let bytes = X64.processes(&twice);
        assert_eq!(parse(X64.buffer(&bytes)), Err(RawError::Twice { what: "a process" }));
    }

    #[test]
    fn a_list_cut_anywhere_is_refused() {
        let whole = X64.processes(&example());
        // After the last name there is nothing but padding.
        for length in 0..whole.len() - 8 {
            assert!(parse(X64.buffer(&whole[..length])).is_err(), "{length}");
        }
    }

    proptest! {
        #[test]
        fn no_input_panics(bytes: Vec<u8>, base: u64) {
            let _ = TARGETS.map(|target| parse(SyntheticWindows { base, ..target }.buffer(&bytes)));
        }

        #[test]
        fn no_damage_panics(
            damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
            base in prop_oneof![Just(X64.base), any::<u64>()],
        ) {
            let mut bytes = X64.processes(&example());
            for (at, value) in damage {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            let _ = TARGETS.map(|target| parse(SyntheticWindows { base, ..target }.buffer(&bytes)));
        }
    }
}
