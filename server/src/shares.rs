//! What each of many has of something that all share: connections by address, memory by host.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Counts what each has. Holds only those who have something.
#[derive(Debug)]
pub(crate) struct Shares<K>(Arc<Mutex<HashMap<K, usize>>>);

/// What one has, until it is dropped.
#[derive(Debug)]
pub(crate) struct Share<K: Hash + Eq> {
    key: K,
    amount: usize,
    shares: Shares<K>,
}

impl<K> Default for Shares<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K> Clone for Shares<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K: Hash + Eq + Clone> Shares<K> {
    /// Takes an amount for somebody, who then has `most` at most.
    pub(crate) fn take(&self, key: K, amount: usize, most: usize) -> Option<Share<K>> {
        let mut share = Share { key, amount: 0, shares: self.clone() };
        share.grow(amount, most).then_some(share)
    }
}

impl<K: Hash + Eq> Shares<K> {
    fn lock(&self) -> MutexGuard<'_, HashMap<K, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq + Clone> Share<K> {
    /// Takes more for the same, unless it then has over `most`. Returns whether it did.
    pub(crate) fn grow(&mut self, more: usize, most: usize) -> bool {
        let mut amounts = self.shares.lock();
        let has = amounts.get(&self.key).copied().unwrap_or(0);
        let fits = has + more <= most;
        if fits {
            amounts.insert(self.key.clone(), has + more);
            self.amount += more;
        }
        fits
    }
}

impl<K: Hash + Eq> Drop for Share<K> {
    fn drop(&mut self) {
        let mut amounts = self.shares.lock();
        if let Some(has) = amounts.get_mut(&self.key) {
            *has -= self.amount;
            if *has == 0 {
                amounts.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_share_of_its_own_and_whoever_has_nothing_is_forgotten() {
        let shares = Shares::default();
        let mut one = shares.take("one", 3, 5).unwrap();
        assert!(shares.take("one", 3, 5).is_none());
        assert!(shares.take("other", 5, 5).is_some());
        assert!(one.grow(2, 5) && !one.grow(1, 5));
        drop(one);
        assert!(shares.lock().is_empty());
    }
}
