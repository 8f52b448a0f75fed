//! The kernel object types of one host by columns.

use poolwatch_model::process::ObjectTypeUse;
use poolwatch_protocol::v1::{
    Malformed,
    parts::{Base, CounterTable, Delta, Moved},
};

use super::interner::{HostNames, NameId, StringInterner};

/// The latest object types of one host, sorted by name.
#[derive(Debug, Default)]
pub struct HostObjectTypes {
    names: Vec<NameId>,
    /// Objects, handles, peak objects, peak handles: the order of the wire.
    counters: Vec<[u32; 4]>,
}

impl HostObjectTypes {
    /// The columns of types that are sorted by name.
    #[must_use]
    pub fn new(types: &[ObjectTypeUse], names: &mut HostNames<'_>) -> Self {
        Self {
            names: types.iter().map(|one| names.id(&one.name)).collect(),
            counters: types.iter().map(counters).collect(),
        }
    }

    /// Whether a delta can be applied: no added type is one that stays.
    ///
    /// # Errors
    /// When one is.
    pub fn check(
        &self,
        delta: &Delta<'_, ObjectTypeUse>,
        names: &StringInterner,
    ) -> Result<(), Malformed> {
        let twice = delta.added.iter().any(|new| {
            let id = names.find(&new.name);
            let row = self.names.iter().position(|name| Some(*name) == id);
            row.is_some_and(|row| delta.keeps(row))
        });
        if twice { Err(Malformed) } else { Ok(()) }
    }

    /// Applies a delta that was read against these columns and checked.
    pub fn apply(&mut self, delta: &Delta<'_, ObjectTypeUse>, names: &mut HostNames<'_>) {
        delta.move_counters(self);
        if delta.is_of_counters() {
            return;
        }
        // Types come and go only when a driver makes one: seldom.
        let mut types = self.list(names.all);
        let mut at = 0;
        types.retain(|_| {
            at += 1;
            delta.keeps(at - 1)
        });
        types.extend(delta.added.iter().cloned());
        types.sort_by(|a, b| a.name.cmp(&b.name));
        *self = Self::new(&types, names);
    }

    /// The types again.
    #[must_use]
    pub fn list(&self, names: &StringInterner) -> Vec<ObjectTypeUse> {
        let rows = self.names.iter().zip(&self.counters);
        rows.map(|(name, [objects, handles, peak_objects, peak_handles])| ObjectTypeUse {
            name: (*names.get(*name)).to_owned(),
            objects: *objects,
            handles: *handles,
            peak_objects: *peak_objects,
            peak_handles: *peak_handles,
        })
        .collect()
    }

    /// The numbers of all names that it holds.
    pub fn names(&self) -> impl Iterator<Item = NameId> + '_ {
        self.names.iter().copied()
    }

    /// Bytes that it takes on the heap.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.names.capacity() * 4 + self.counters.capacity() * 16
    }
}

impl Base for HostObjectTypes {
    fn rows(&self) -> usize {
        self.names.len()
    }

    fn counter(&self, row: usize, counter: usize) -> u64 {
        self.counters[row][counter].into()
    }
}

impl CounterTable for HostObjectTypes {
    fn move_counter(&mut self, row: usize, counter: usize, moved: Moved) {
        self.counters[row][counter] = moved.to as u32;
    }
}

fn counters(one: &ObjectTypeUse) -> [u32; 4] {
    [one.objects, one.handles, one.peak_objects, one.peak_handles]
}
