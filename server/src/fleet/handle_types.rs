//! Handles by type of some processes of one host, the types' names kept once for the fleet.

use poolwatch_model::process::{ProcessHandles, ProcessKey};

use super::interner::{HostNames, NameId, StringInterner};

/// Handles by type of the processes of one host that its agent looked into last, sorted by key.
#[derive(Debug, Default)]
pub struct HostHandleTypes(Box<[(ProcessKey, CountByType)]>);

/// Names of types, each with a count of handles.
type CountByType = Box<[(NameId, u32)]>;

impl HostHandleTypes {
    /// The processes, which are sorted by key.
    #[must_use]
    pub fn new(processes: &[ProcessHandles], names: &mut HostNames<'_>) -> Self {
        let rows = processes.iter().map(|one| {
            let counts = one.by_type.iter().map(|(name, count)| (names.id(name), *count));
            (one.key, counts.collect())
        });
        Self(rows.collect())
    }

    /// The processes again.
    #[must_use]
    pub fn list(&self, names: &StringInterner) -> Vec<ProcessHandles> {
        let processes = self.0.iter().map(|(key, counts)| ProcessHandles {
            key: *key,
            by_type: counts.iter().map(|(name, n)| ((*names.get(*name)).to_owned(), *n)).collect(),
        });
        processes.collect()
    }

    /// The numbers of all names that it holds.
    pub fn names(&self) -> impl Iterator<Item = NameId> + '_ {
        self.0.iter().flat_map(|(_, counts)| counts.iter().map(|(name, _)| *name))
    }

    /// Bytes that it takes on the heap.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let counts: usize = self.0.iter().map(|(_, counts)| size_of_val::<[_]>(counts)).sum();
        size_of_val::<[_]>(&self.0) + counts
    }
}
