//! Handles by type of the processes that matter: looked into now and then, for it costs the kernel.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use poolwatch_model::{
    Snapshot,
    process::{ProcessHandles, ProcessKey, ProcessUse},
};

use super::CollectError;
use crate::{
    machine::{InfoClass, Machine},
    raw::{handles, object_types},
};

/// From one look to the next.
const EVERY_MS: u64 = 10 * 60_000;
/// Processes that are looked into: those with the most handles, and those that gained the most.
const MOST_HANDLES: usize = 8;
const MOST_GAINED: usize = 8;
/// Fewer handles are no program's trouble.
const MANY: u32 = 2_000;
/// So many handles gained since the look before, or since the agent saw the process first, are a growth.
const GAINED: u32 = 500;
/// Types that are told of one process, those with the most handles.
const TYPES: usize = 16;

/// When processes were looked into, and what they held then.
#[derive(Debug, Default)]
pub(super) struct HandleTypes {
    looked_at_ms: Option<u64>,
    held: BTreeMap<ProcessKey, u32>,
}

impl HandleTypes {
    /// Looks into processes when it is time and memory does not fail. `list_most` is how many handles
    /// the host may have for all to be listed where the kernel does not tell those of one process.
    pub(super) fn collect(
        &mut self,
        machine: &mut dyn Machine,
        snapshot: &mut Snapshot,
        is_short: bool,
        list_most: u64,
    ) -> Result<(), CollectError> {
        let now_ms = machine.now().uptime_ms;
        let is_due = self.looked_at_ms.is_none_or(|at| now_ms.saturating_sub(at) >= EVERY_MS);
        let Some(processes) = snapshot.processes.as_deref().filter(|_| is_due && !is_short) else {
            return Ok(());
        };
        self.looked_at_ms = Some(now_ms);
        let (wanted, grows) = self.choose(processes);
        let held = |one: &ProcessUse| Some((one.key, one.handles?));
        self.held = processes.iter().filter_map(held).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        // Where these fail, the collector of object types says so.
        let Some(types) = machine
            .query(InfoClass::ObjectTypes)
            .ok()
            .and_then(|buffer| object_types::parse(buffer).ok())
        else {
            return Ok(());
        };
        let names: BTreeMap<u16, String> =
            types.into_iter().map(|each| (each.index, each.totals.name)).collect();
        let mut counts: BTreeMap<ProcessKey, BTreeMap<u16, u32>> = BTreeMap::new();
        for key in &wanted {
            let mut parsed = None;
            let lent = machine.lend_handles(*key, &mut |buffer| {
                parsed = Some(handles::parse_of_process(buffer));
            });
            if let (Ok(()), Some(Ok(of_process))) = (lent, parsed) {
                counts.insert(*key, of_process);
            }
        }
        let total = snapshot.memory.handles.unwrap_or(u64::MAX);
        let is_open = |key: &ProcessKey| !counts.contains_key(key);
        if grows.iter().any(is_open) && total <= list_most {
            let open: Vec<ProcessKey> = wanted.iter().copied().filter(is_open).collect();
            let all = handles::parse(machine.query(InfoClass::Handles)?)?;
            for key in open {
                let of_process = all.range((key.pid, 0)..=(key.pid, u16::MAX));
                counts.insert(key, of_process.map(|((_, index), n)| (*index, *n)).collect());
            }
        }
        let told = counts.into_iter().map(|(key, counts)| named(key, counts, &names));
        snapshot.handles_by_type = told.filter(|one| !one.by_type.is_empty()).collect();
        Ok(())
    }

    /// The processes to look into, and those of them whose handles grow.
    fn choose(&self, processes: &[ProcessUse]) -> (BTreeSet<ProcessKey>, BTreeSet<ProcessKey>) {
        let handles = |one: &&ProcessUse| one.handles.unwrap_or(0);
        let mut by_handles: Vec<&ProcessUse> =
            processes.iter().filter(|one| handles(one) >= MANY).collect();
        by_handles.sort_by_key(|one| (Reverse(one.handles), one.key));
        let gained = |one: &ProcessUse| {
            let before = self.held.get(&one.key)?;
            Some(one.handles?.saturating_sub(*before)).filter(|gained| *gained >= GAINED)
        };
        let mut by_gain: Vec<(u32, ProcessKey)> =
            processes.iter().filter_map(|one| Some((gained(one)?, one.key))).collect();
        by_gain.sort_by_key(|(gained, key)| (Reverse(*gained), *key));
        let grows: BTreeSet<ProcessKey> =
            by_gain.into_iter().take(MOST_GAINED).map(|(_, key)| key).collect();
        let most = by_handles.into_iter().take(MOST_HANDLES).map(|one| one.key);
        (most.chain(grows.iter().copied()).collect(), grows)
    }
}

fn named(
    key: ProcessKey,
    counts: BTreeMap<u16, u32>,
    names: &BTreeMap<u16, String>,
) -> ProcessHandles {
    let mut by_count: Vec<(u16, u32)> = counts.into_iter().collect();
    by_count.sort_by_key(|(_, count)| Reverse(*count));
    let named = |(index, count): (u16, u32)| Some((names.get(&index)?.clone(), count));
    ProcessHandles { key, by_type: by_count.into_iter().filter_map(named).take(TYPES).collect() }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use poolwatch_model::{BootId, host::HostFacts, memory::Memory};
    use uuid::Uuid;

    use super::*;
    use crate::{
        machine::{Now, RawBuffer, Status},
        raw::handles::HandleCounts,
        synthetic::{X64, small_capture},
    };

    /// A kernel that tells, or does not tell, the handles of one process.
    struct Kernel {
        uptime_ms: u64,
        tells_one: bool,
        asked_for_all: usize,
        types: Vec<u8>,
        all: Vec<u8>,
    }

    impl Kernel {
        fn new(tells_one: bool) -> Self {
            let types = small_capture().rounds[0].answers[&InfoClass::ObjectTypes].clone();
            let counts = HandleCounts::from([((416, 8), 70), ((416, 5), 2), ((4, 37), 9)]);
            let (types, all) = (types.unwrap().bytes, X64.handles(&counts));
            Self { uptime_ms: 1000, tells_one, asked_for_all: 0, types, all }
        }
    }

    impl Machine for Kernel {
        fn query(&mut self, class: InfoClass) -> Result<RawBuffer<'_>, Status> {
            match class {
                InfoClass::ObjectTypes => Ok(X64.buffer(&self.types)),
                InfoClass::Handles => {
                    self.asked_for_all += 1;
                    Ok(X64.buffer(&self.all))
                }
                _ => Err(Status::NOT_FOUND),
            }
        }

        fn lend_handles(
            &mut self,
            process: ProcessKey,
            read: &mut dyn FnMut(RawBuffer<'_>),
        ) -> Result<(), Status> {
            if !self.tells_one {
                return Err(Status::INVALID_INFO_CLASS);
            }
            let counts = BTreeMap::from([(8, process.pid), (37, 3), (999, 1)]);
            read(X64.buffer(&X64.handles_of_process(&counts)));
            Ok(())
        }

        fn boot(&self) -> BootId {
            BootId(Uuid::nil())
        }

        fn now(&self) -> Now {
            Now { uptime_ms: self.uptime_ms, wall: Timestamp::UNIX_EPOCH }
        }

        fn facts(&self) -> HostFacts {
            HostFacts::default()
        }
    }

    fn snapshot(handles: &[(u32, u32)]) -> Snapshot {
        let process = |(pid, count): &(u32, u32)| {
            let mut process = ProcessUse::new(*pid, None, "a.exe");
            process.handles = Some(*count);
            process
        };
        let total = handles.iter().map(|(_, count)| u64::from(*count)).sum();
        Snapshot {
            memory: Memory { handles: Some(total), ..Memory::default() },
            processes: Some(handles.iter().map(process).collect()),
            ..Snapshot::default()
        }
    }

    fn told(
        looks: &mut HandleTypes,
        kernel: &mut Kernel,
        handles: &[(u32, u32)],
        list_most: u64,
    ) -> Vec<(u32, Vec<(String, u32)>)> {
        let mut snapshot = snapshot(handles);
        looks.collect(kernel, &mut snapshot, false, list_most).unwrap();
        let told = snapshot.handles_by_type.into_iter();
        told.map(|one| (one.key.pid, one.by_type.into_iter().collect())).collect()
    }

    #[test]
    fn processes_with_many_handles_are_looked_into_every_ten_minutes() {
        let (mut looks, mut kernel) = (HandleTypes::default(), Kernel::new(true));
        let handles = [(4, 1000), (416, 60_000), (820, 900)];
        let expected = vec![(416, vec![("File".to_owned(), 3), ("Thread".to_owned(), 416)])];
        assert_eq!(told(&mut looks, &mut kernel, &handles, 0), expected);
        kernel.uptime_ms += EVERY_MS - 1;
        assert_eq!(told(&mut looks, &mut kernel, &handles, 0), []);
        kernel.uptime_ms += 1;
        // One that gains is looked into however few it has.
        let grown = [(4, 1000), (416, 60_000), (820, 900 + GAINED)];
        let pids: Vec<u32> =
            told(&mut looks, &mut kernel, &grown, 0).into_iter().map(|(pid, _)| pid).collect();
        assert_eq!(pids, [416, 820]);
        assert_eq!(kernel.asked_for_all, 0);
    }

    #[test]
    fn all_handles_are_listed_only_in_a_growth_and_not_on_a_host_with_too_many() {
        let (mut looks, mut kernel) = (HandleTypes::default(), Kernel::new(false));
        assert_eq!(told(&mut looks, &mut kernel, &[(416, 60_000)], 100_000), []);
        kernel.uptime_ms += EVERY_MS;
        assert_eq!(told(&mut looks, &mut kernel, &[(416, 60_010)], 100_000), []);
        kernel.uptime_ms += EVERY_MS;
        assert_eq!(told(&mut looks, &mut kernel, &[(416, 61_000)], 60_000), []);
        assert_eq!(kernel.asked_for_all, 0);
        kernel.uptime_ms += EVERY_MS;
        let expected = vec![(416, vec![("Thread".to_owned(), 70), ("Token".to_owned(), 2)])];
        assert_eq!(told(&mut looks, &mut kernel, &[(416, 62_000)], 100_000), expected);
        assert_eq!(kernel.asked_for_all, 1);
    }

    #[test]
    fn nothing_is_looked_into_while_memory_fails() {
        let (mut looks, mut kernel) = (HandleTypes::default(), Kernel::new(true));
        let mut snapshot = snapshot(&[(416, 60_000)]);
        looks.collect(&mut kernel, &mut snapshot, true, 100_000).unwrap();
        assert_eq!(snapshot.handles_by_type, []);
        looks.collect(&mut kernel, &mut snapshot, false, 100_000).unwrap();
        assert_eq!(snapshot.handles_by_type.len(), 1, "it is made up for at once");
    }
}
