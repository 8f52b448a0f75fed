//! Class 5, `SystemProcessInformation`: every process, each followed by its threads.
//!
//! Entries are chained by `NextEntryOffset`, which only leads forward; an image name is an absolute
//! pointer into the buffer as it lay when the kernel filled it.

use jiff::Timestamp;
use poolwatch_model::process::ProcessUse;
use poolwatch_protocol::limits;

use super::{
    RawError,
    fields::Fields,
    layout::{process as at, thread},
};

/// How tools name process 0, which has no image.
const IDLE: &str = "System Idle Process";

/// Reads class 5 from a buffer that was filled at address `base`. Sorted by process.
///
/// # Errors
/// When an entry or its threads are cut short, a name points outside, the chain of entries overlaps
/// or never ends inside the buffer, or two entries are the same process.
pub fn parse(bytes: &[u8], base: u64) -> Result<Vec<ProcessUse>, RawError> {
    let what = "process list";
    let buffer = Fields::new(bytes, what);
    if bytes.is_empty() {
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
        entry.slice(0, at::THREADS)?;
        let threads = entry.u32(at::NUMBER_OF_THREADS)?;
        let size = (threads as usize).saturating_mul(thread::SIZE).saturating_add(at::THREADS);
        entry.slice(0, size)?;
        processes.extend(process(buffer, start, base, threads)?);
        entries += 1;
        match entry.u32(at::NEXT_ENTRY_OFFSET)? as usize {
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
    processes.sort_by_key(|process| process.key);
    if processes.windows(2).any(|pair| pair[0].key == pair[1].key) {
        return Err(RawError::Twice { what: "a process" });
    }
    Ok(processes)
}

/// The process at `start`; `None` when its creation time cannot be. Wine leaves such entries behind
/// for processes that are going away, with nothing right in them.
fn process(
    buffer: Fields<'_>,
    start: usize,
    base: u64,
    threads: u32,
) -> Result<Option<ProcessUse>, RawError> {
    let entry = buffer.from(start)?;
    let Ok(created) = created(entry.u64(at::CREATE_TIME)?) else {
        return Ok(None);
    };
    let id = entry.u64(at::PROCESS_ID)?;
    let pid = u32::try_from(id).map_err(|_| RawError::Absurd { what: "process id", value: id })?;
    let mut image = buffer.unicode_string(start + at::IMAGE_NAME, base)?;
    if pid == 0 && image.is_empty() {
        IDLE.clone_into(&mut image);
    }
    Ok(Some(ProcessUse {
        session: Some(entry.u32(at::SESSION_ID)?),
        handles: Some(entry.u32(at::HANDLE_COUNT)?),
        threads: Some(threads),
        paged_quota: Some(entry.u64(at::QUOTA_PAGED)?),
        nonpaged_quota: Some(entry.u64(at::QUOTA_NONPAGED)?),
        // PrivatePageCount is in bytes, whatever its name says.
        private_bytes: Some(entry.u64(at::PRIVATE_PAGE_COUNT)?),
        ..ProcessUse::new(pid, created, image)
    }))
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
    use crate::synthetic;

    const BASE: u64 = 0x1F0_0000;

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
        let bytes = synthetic::processes(&example(), BASE);
        assert_eq!(parse(&bytes, BASE), Ok(example()));
    }

    #[test]
    fn a_name_outside_the_buffer_is_refused() {
        let bytes = synthetic::processes(&example(), BASE);
        let outside = Err(RawError::Outside { what: "process list" });
        assert_eq!(parse(&bytes, BASE + 0x10_0000), outside);
        assert_eq!(parse(&bytes, 0), outside);
    }

    #[test]
    fn a_chain_that_runs_on_the_spot_is_refused() {
        let mut bytes = synthetic::processes(&example(), BASE);
        for next in [1_u32, 8, at::THREADS as u32] {
            bytes[..4].copy_from_slice(&next.to_le_bytes());
            assert!(matches!(parse(&bytes, BASE), Err(RawError::Absurd { .. })), "{next}");
        }
        bytes[..4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(matches!(parse(&bytes, BASE), Err(RawError::Truncated { .. })));
    }

    #[test]
    fn an_entry_of_garbage_is_left_out_and_the_others_stay() {
        let mut bytes = synthetic::processes(&example(), BASE);
        let next = u32::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
        bytes[next + 8..next + at::IMAGE_NAME].fill(0x55);
        bytes[next + at::IMAGE_NAME + 16..next + at::THREADS].fill(0x55);
        let mut others = example();
        others.remove(1);
        assert_eq!(parse(&bytes, BASE), Ok(others));
    }

    #[test]
    fn threads_that_do_not_fit_are_refused() {
        let mut bytes = synthetic::processes(&example(), BASE);
        bytes[at::NUMBER_OF_THREADS..][..4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(matches!(parse(&bytes, BASE), Err(RawError::Truncated { .. })));
    }

    #[test]
    fn the_same_process_twice_is_refused() {
        let mut twice = example();
        twice.push(twice[2].clone());
        let bytes = synthetic::processes(&twice, BASE);
        assert_eq!(parse(&bytes, BASE), Err(RawError::Twice { what: "a process" }));
    }

    #[test]
    fn a_list_cut_anywhere_is_refused() {
        let whole = synthetic::processes(&example(), BASE);
        // After the last name there is nothing but padding.
        for length in 0..whole.len() - 8 {
            assert!(parse(&whole[..length], BASE).is_err(), "{length}");
        }
    }

    proptest! {
        #[test]
        fn no_input_panics(bytes: Vec<u8>, base: u64) {
            let _ = parse(&bytes, base);
        }

        #[test]
        fn no_damage_panics(
            damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
            base in prop_oneof![Just(BASE), any::<u64>()],
        ) {
            let mut bytes = synthetic::processes(&example(), BASE);
            for (at, value) in damage {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            let _ = parse(&bytes, base);
        }
    }
}
