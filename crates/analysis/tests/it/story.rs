//! A host over some days, in minima of ten minutes.

use jiff::Timestamp;
use poolwatch_analysis::CaseFile;
use poolwatch_model::{
    Bytes, Pool, PoolTag,
    history::{Moment, ProcessSeries, ProgramSeries, TagSeries},
    memory::Memory,
    process::ProcessKey,
};

/// Hours of a day.
pub(crate) const DAY: u64 = 24;
/// A megabyte.
pub(crate) const MB: u64 = 1 << 20;

pub(crate) fn tag(letters: &[u8; 4]) -> PoolTag {
    PoolTag::new(*letters)
}

/// A case file that is being written.
pub(crate) struct Story {
    pub(crate) case: CaseFile,
}

impl Story {
    /// A host that has been watched for so many hours, since long after its start.
    pub(crate) fn new(hours: u64) -> Self {
        let axis: Vec<Moment> = (0..hours * 6)
            .map(|slot| Moment {
                at_s: slot as i64 * 600,
                boot: 1,
                uptime_s: Some(slot * 600 + 3600),
            })
            .collect();
        let memory = Memory {
            paged: Some(Bytes(300 * MB)),
            nonpaged: Some(Bytes(300 * MB)),
            physical: Some(Bytes(16 << 30)),
            ..Memory::default()
        };
        let case = CaseFile {
            now: Timestamp::from_second(hours as i64 * 3600).unwrap_or_default(),
            pools: [vec![300 * MB; axis.len()], vec![300 * MB; axis.len()]],
            live_processes: vec![100; axis.len()],
            all_processes: true,
            memory,
            axis,
            ..CaseFile::default()
        };
        Self { case }
    }

    /// A tag whose bytes are given by the hour.
    pub(crate) fn tag(
        &mut self,
        letters: &[u8; 4],
        pool: Pool,
        unit: u64,
        bytes: impl Fn(u64) -> u64,
    ) {
        let bytes: Vec<u64> = self.by_slot(bytes);
        let outstanding: Vec<u64> = bytes.iter().map(|bytes| bytes / unit).collect();
        let allocs = outstanding.iter().enumerate().map(|(at, n)| n + at as u64 * 5000).collect();
        self.case.tags.push(TagSeries { tag: tag(letters), pool, bytes, outstanding, allocs });
    }

    /// A process whose handles are given by the hour.
    pub(crate) fn process(&mut self, pid: u32, image: &str, handles: impl Fn(u64) -> u64) {
        let handles = self.by_slot(handles);
        self.case.processes.push(ProcessSeries {
            key: ProcessKey { pid, created: None },
            image: image.into(),
            services: vec![],
            threads: vec![20; handles.len()],
            private_bytes: vec![100 * MB; handles.len()],
            quota: [vec![MB; handles.len()], vec![MB; handles.len()]],
            handles,
        });
    }

    /// A program whose operations are given by the hour.
    pub(crate) fn program(&mut self, image: &str, operations: impl Fn(u64) -> u64) {
        let slots = 0..self.case.axis.len() as u64;
        let operations = slots.map(|slot| operations(slot / 6) / 6).collect();
        self.case.programs.push(ProgramSeries { image: image.into(), operations });
    }

    pub(crate) fn by_slot(&self, by_hour: impl Fn(u64) -> u64) -> Vec<u64> {
        (0..self.case.axis.len() as u64)
            .map(|slot| {
                let (hour, part) = (slot / 6, slot % 6);
                let (now, next) = (by_hour(hour), by_hour(hour + 1));
                if next >= now { now + (next - now) * part / 6 } else { now }
            })
            .collect()
    }
}
