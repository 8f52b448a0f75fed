//! Rules that could not be looked after: their pages and This server say so until they can be again.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;

/// Rules that fail, by name, each since when. As many as there are rules at most.
#[derive(Debug, Default)]
pub struct RuleFailures(Mutex<BTreeMap<String, Timestamp>>);

impl RuleFailures {
    /// Notes whether a rule failed now. Returns whether it did not before, or did.
    pub fn note(&self, rule: &str, has_failed: bool, now: Timestamp) -> bool {
        let mut kept = self.kept();
        match (has_failed, kept.contains_key(rule)) {
            (true, false) => {
                kept.insert(rule.to_owned(), now);
                true
            }
            (false, true) => kept.remove(rule).is_some(),
            _ => false,
        }
    }

    /// Forgets rules that are gone.
    pub fn keep(&self, is_there: impl Fn(&str) -> bool) {
        self.kept().retain(|rule, _| is_there(rule));
    }

    /// Since when a rule fails, if it does.
    #[must_use]
    pub fn find(&self, rule: &str) -> Option<Timestamp> {
        self.kept().get(rule).copied()
    }

    /// All rules that fail, by name.
    #[must_use]
    pub fn list(&self) -> Vec<String> {
        self.kept().keys().cloned().collect()
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<String, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
