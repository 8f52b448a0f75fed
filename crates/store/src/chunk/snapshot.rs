//! A point of a chunk as a snapshot.

use poolwatch_model::{
    Bytes, Snapshot,
    memory::Memory,
    process::{ObjectTypeUse, ProcessUse},
    tag::{TagCounters, TagTable, TagUse},
};

use super::{Chunk, Column, Stat};

impl Chunk {
    /// What was known in a slot, by the means. Counters are as it ended; of the peaks of object types no more is
    /// known than the most of these minutes. What a chunk does not keep is missing.
    #[must_use]
    pub fn snapshot(&self, slot: usize) -> Snapshot {
        let value = |column: &Column| column.at(slot).map(|stat| stat.mean);
        Snapshot {
            memory: memory(|figure| value(self.memory.get(figure)?)),
            tags: self.tag_table(slot),
            processes: self.process_list(slot),
            object_types: self.object_types(slot),
            ..Snapshot::default()
        }
    }

    /// The tags of a slot; `None` when its snapshots told none.
    #[must_use]
    pub fn tag_table(&self, slot: usize) -> Option<TagTable> {
        let coverage = self.slots.get(slot)?.tags?;
        let row = |(tag, row): (_, &Vec<Column>)| {
            let counters = |first: usize| {
                let figure = |figure: usize| row[first + figure].at(slot);
                let of = |stat: Option<Stat>| stat.map_or(0, |stat| stat.mean);
                TagCounters {
                    bytes: of(figure(0)),
                    outstanding: of(figure(1)),
                    allocs: figure(2).map_or(0, |stat| stat.max),
                }
            };
            let row = TagUse { tag, paged: counters(0), nonpaged: counters(3) };
            // A tag that used nothing was not listed: a complete table tells it is 0 by that.
            (!row.paged.is_empty() || !row.nonpaged.is_empty()).then_some(row)
        };
        let rows = self.tags.keys.iter().copied().zip(&self.tags.rows).filter_map(row).collect();
        Some(TagTable { counting: coverage.counting, complete: coverage.complete, rows })
    }

    fn process_list(&self, slot: usize) -> Option<Vec<ProcessUse>> {
        let row = |(name, row): (&super::ProcessName, &Vec<Column>)| {
            let value = |figure: usize| row[figure].at(slot).map(|stat| stat.mean);
            let count = |figure| value(figure).and_then(|value| u32::try_from(value).ok());
            let (handles, threads, private_bytes) = (count(0), count(1), value(2));
            (handles.is_some() || threads.is_some() || private_bytes.is_some()).then(|| {
                let mut process = ProcessUse::new(name.key.pid, name.key.created, &name.image);
                process.services.clone_from(&name.services);
                (process.handles, process.threads, process.private_bytes) =
                    (handles, threads, private_bytes);
                process
            })
        };
        let list: Vec<ProcessUse> =
            self.processes.keys.iter().zip(&self.processes.rows).filter_map(row).collect();
        (!list.is_empty()).then_some(list)
    }

    fn object_types(&self, slot: usize) -> Option<Vec<ObjectTypeUse>> {
        let row = |(name, row): (&String, &Vec<Column>)| {
            let (objects, handles) = (row[0].at(slot)?, row[1].at(slot)?);
            let count = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
            Some(ObjectTypeUse {
                name: name.clone(),
                objects: count(objects.mean),
                handles: count(handles.mean),
                peak_objects: count(objects.max),
                peak_handles: count(handles.max),
            })
        };
        let list: Vec<ObjectTypeUse> =
            self.types.keys.iter().zip(&self.types.rows).filter_map(row).collect();
        (!list.is_empty()).then_some(list)
    }
}

/// The system-wide figures, by their place in a chunk.
pub(crate) fn memory(value: impl Fn(usize) -> Option<u64>) -> Memory {
    let bytes = |figure| value(figure).map(Bytes);
    Memory {
        paged: bytes(0),
        nonpaged: bytes(1),
        paged_limit: bytes(2),
        nonpaged_limit: bytes(3),
        paged_resident: bytes(4),
        physical: bytes(5),
        available: bytes(6),
        resident_available: bytes(7),
        committed: bytes(8),
        commit_limit: bytes(9),
        commit_peak: bytes(10),
        free_system_ptes: value(11),
        handles: value(12),
        threads: value(13),
        processes: value(14),
    }
}
