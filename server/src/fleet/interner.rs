//! Names that many hosts share (images, services, object types), kept once.

use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU32, Ordering},
    },
};

/// Names at most: a fleet has some ten thousand. Further ones are all called [`OVERFLOW`].
const MOST: usize = 1 << 18;
/// What a name is called that there is no room for.
const OVERFLOW: &str = "(name not kept)";

/// A name, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameId(u32);

impl NameId {
    /// Its number, small.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Every name in use.
#[derive(Debug)]
pub struct StringInterner(RwLock<Inner>);

#[derive(Debug, Default)]
struct Inner {
    ids: HashMap<Arc<str>, u32>,
    names: Vec<Named>,
    free: Vec<u32>,
    /// Grows with every sweep.
    epoch: u32,
}

#[derive(Debug)]
struct Named {
    name: Arc<str>,
    /// The epoch in which it was last asked for.
    touched: AtomicU32,
}

impl Default for StringInterner {
    fn default() -> Self {
        let names = Self(RwLock::default());
        let _overflow = names.id(OVERFLOW);
        names
    }
}

impl StringInterner {
    /// The number of a name.
    #[must_use]
    pub fn id(&self, name: &str) -> NameId {
        if let Some(id) = self.read().find(name) {
            return NameId(id);
        }
        let mut inner = self.0.write().unwrap_or_else(PoisonError::into_inner);
        NameId(inner.find(name).unwrap_or_else(|| inner.insert(name)))
    }

    /// The name of a number.
    #[must_use]
    pub fn get(&self, id: NameId) -> Arc<str> {
        self.read().names[id.index()].name.clone()
    }

    /// The name of a number that was taken from an [`NameId::index`].
    #[must_use]
    pub(super) fn at(&self, index: usize) -> Arc<str> {
        self.read().names[index].name.clone()
    }

    /// All numbers whose names fulfil something, as marks by number.
    pub fn marks(&self, fulfils: impl Fn(&str) -> bool) -> Vec<bool> {
        self.read().names.iter().map(|named| fulfils(&named.name)).collect()
    }

    /// How many numbers there are, free ones included.
    #[must_use]
    pub fn numbers(&self) -> usize {
        self.read().names.len()
    }

    /// Begins a sweep: what is asked for from now on is in use.
    pub fn begin_sweep(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).epoch += 1;
    }

    /// Ends a sweep: forgets names that no host had and nobody asked for since it began.
    pub fn end_sweep(&self, used: &[bool]) {
        let mut inner = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let epoch = inner.epoch;
        for id in 1..inner.names.len() {
            let named = &inner.names[id];
            let unused = !used.get(id).copied().unwrap_or(false);
            let old = named.touched.load(Ordering::Relaxed) < epoch;
            if unused && old && !named.name.is_empty() {
                let name = std::mem::replace(&mut inner.names[id].name, Arc::from(""));
                inner.ids.remove(&name);
                inner.free.push(id as u32);
            }
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Inner> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn find(&self, name: &str) -> Option<u32> {
        let id = *self.ids.get(name)?;
        self.names[id as usize].touched.store(self.epoch, Ordering::Relaxed);
        Some(id)
    }

    fn insert(&mut self, name: &str) -> u32 {
        let name: Arc<str> = Arc::from(name);
        let named = Named { name: name.clone(), touched: AtomicU32::new(self.epoch) };
        let id = match self.free.pop() {
            Some(id) => {
                self.names[id as usize] = named;
                id
            }
            None if self.names.len() >= MOST => return 0,
            None => {
                self.names.push(named);
                self.names.len() as u32 - 1
            }
        };
        self.ids.insert(name, id);
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_number_while_anybody_uses_it() {
        let names = StringInterner::default();
        let (one, other) = (names.id("a.exe"), names.id("b.exe"));
        assert_eq!(names.id("a.exe"), one);
        names.begin_sweep();
        // Asked for while the sweep is under way: whoever asked may have been visited before.
        let late = names.id("b.exe");
        let mut used = vec![false; names.numbers()];
        used[one.index()] = true;
        names.end_sweep(&used);
        assert_eq!((&*names.get(one), &*names.get(late)), ("a.exe", "b.exe"));
        names.begin_sweep();
        names.end_sweep(&used);
        assert_eq!(names.id("c.exe"), other, "its number was free");
        assert_eq!(&*names.get(one), "a.exe");
    }
}
