//! A snapshot in the making: what a host without troubles shows, before causes change it.

use poolwatch_model::{
    Pool, PoolTag,
    process::{ObjectTypeUse, ProcessKey, ProcessUse},
    tag::{TagCounters, TagUse},
};

use crate::processes::{self, Totals};

/// Tags, processes and object types at one moment, each sorted.
#[derive(Debug)]
pub(crate) struct Picture {
    pub(crate) tags: Vec<TagUse>,
    pub(crate) processes: Vec<ProcessUse>,
    pub(crate) object_types: Vec<ObjectTypeUse>,
    /// Handles that processes leak, with the type of what they lead to.
    pub(crate) leaked: Vec<(ProcessKey, &'static str, u64)>,
}

impl Picture {
    fn counters(&mut self, tag: PoolTag, pool: Pool) -> &mut TagCounters {
        let at = match self.tags.binary_search_by_key(&tag, |row| row.tag) {
            Ok(at) => at,
            Err(at) => {
                let none = TagCounters::default();
                self.tags.insert(at, TagUse { tag, paged: none, nonpaged: none });
                at
            }
        };
        self.tags[at].of_mut(pool)
    }

    /// Adds outstanding allocations of `unit` bytes each, and others that were freed again.
    pub(crate) fn allocate(&mut self, tag: PoolTag, pool: Pool, count: u64, unit: u64, freed: u64) {
        let counters = self.counters(tag, pool);
        counters.outstanding += count;
        counters.bytes += count * unit;
        counters.allocs = low_32(counters.allocs + count + freed);
    }

    /// Sets what is outstanding, leaving what was freed as it is.
    pub(crate) fn pin(&mut self, tag: PoolTag, pool: Pool, count: u64, bytes: u64) {
        let counters = self.counters(tag, pool);
        let freed = counters.allocs.wrapping_sub(counters.outstanding);
        *counters =
            TagCounters { bytes, outstanding: count, allocs: low_32(freed.wrapping_add(count)) };
    }

    /// Adds kernel objects of a type, as their tag shows them, and handles to them.
    pub(crate) fn add_objects(&mut self, type_name: &str, pool: Pool, objects: u64, handles: u64) {
        let tag = PoolTag::of_object_type(type_name);
        let TagCounters { bytes, outstanding, .. } = *self.counters(tag, pool);
        if let Some(unit) = bytes.checked_div(outstanding) {
            self.allocate(tag, pool, objects, unit, 0);
        }
        self.change_type(type_name, |of| {
            let add = |to: &mut u32, count: u64| *to = to.saturating_add(count as u32);
            add(&mut of.objects, objects);
            add(&mut of.peak_objects, objects);
            add(&mut of.handles, handles);
            add(&mut of.peak_handles, handles);
        });
    }

    /// Changes an object type's figures.
    pub(crate) fn change_type(&mut self, type_name: &str, change: impl FnOnce(&mut ObjectTypeUse)) {
        if let Some(of) = self.object_types.iter_mut().find(|of| of.name == type_name) {
            change(of);
        }
    }

    /// Adds a process, its own object and its threads. So many of its handles lead to what it leaks, and
    /// are counted by who plants them; the others are to events.
    pub(crate) fn admit(&mut self, process: ProcessUse, leaked: Option<(&'static str, u64)>) {
        let to_leaked = leaked.map_or(0, |(_, handles)| handles);
        self.leaked.extend(leaked.map(|(of, handles)| (process.key, of, handles)));
        let handles = u64::from(process.handles.unwrap_or(0)).saturating_sub(to_leaked);
        self.add_objects("Process", Pool::Nonpaged, 1, 0);
        self.add_objects("Thread", Pool::Nonpaged, process.threads.unwrap_or(0).into(), 0);
        self.add_objects("Event", Pool::Nonpaged, 0, handles);
        processes::insert(&mut self.processes, process);
    }

    pub(crate) fn totals(&self) -> Totals {
        processes::totals(&self.processes)
    }

    /// The bytes of all tags in a pool.
    pub(crate) fn tagged(&self, pool: Pool) -> u64 {
        self.tags.iter().map(|row| row.of(pool).bytes).sum()
    }

    /// The largest tags of a pool.
    pub(crate) fn largest_tags(&self, pool: Pool, count: usize) -> Vec<&TagUse> {
        let mut tags: Vec<&TagUse> = self.tags.iter().collect();
        tags.sort_by_key(|row| std::cmp::Reverse(row.of(pool).bytes));
        tags.truncate(count);
        tags
    }
}

/// What information class 22 shows of a count.
pub(crate) fn low_32(count: u64) -> u64 {
    count & u64::from(u32::MAX)
}
