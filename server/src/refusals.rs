//! Who was refused lately, and why, for administrators to see. In memory of bounded size: many who are
//! refused push out addresses before hosts and people.

use std::{
    collections::HashMap,
    fmt,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use poolwatch_model::{HostId, SharedClock};

/// Entries that are kept.
const KEPT: usize = 500;
/// Characters of what was asked for and of the reason.
const CHARS: usize = 300;

/// Somebody who was refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RefusedParty {
    /// Whoever comes from an address, whoever it says it is.
    Address(IpAddr),
    /// A person or script, by name.
    Person(String),
    /// A host, by its key.
    Host(HostId),
}

/// What somebody was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Who.
    pub party: RefusedParty,
    /// What it was, in some words.
    pub title: &'static str,
    /// The reason that was told last.
    pub reason: String,
    /// What was asked for last.
    pub asked: String,
    /// How often.
    pub times: u64,
    /// When first.
    pub first: Timestamp,
    /// When last.
    pub last: Timestamp,
}

/// By who and what.
type ByParty = HashMap<(RefusedParty, &'static str), Refusal>;

/// Who was refused lately.
#[derive(Debug)]
pub struct Refusals {
    clock: SharedClock,
    kept: Mutex<ByParty>,
}

impl Refusals {
    /// Nobody yet.
    #[must_use]
    pub fn new(clock: SharedClock) -> Self {
        Self { clock, kept: Mutex::default() }
    }

    /// Notes that somebody was refused.
    pub fn note(&self, party: RefusedParty, title: &'static str, reason: &str, asked: &str) {
        let now = self.clock.now();
        let mut kept = self.kept();
        let key = (party, title);
        if !kept.contains_key(&key) && kept.len() >= KEPT {
            let goes = kept.values().min_by_key(|one| {
                let is_address = matches!(one.party, RefusedParty::Address(_));
                (!is_address, one.last)
            });
            if let Some(goes) = goes.map(|one| (one.party.clone(), one.title)) {
                kept.remove(&goes);
            }
        }
        let party = key.0.clone();
        let refusal = kept.entry(key).or_insert_with(|| Refusal {
            party,
            title,
            reason: String::new(),
            asked: String::new(),
            times: 0,
            first: now,
            last: now,
        });
        refusal.reason = reason.chars().take(CHARS).collect();
        refusal.asked = asked.chars().take(CHARS).collect();
        refusal.times += 1;
        refusal.last = now;
    }

    /// All that is kept, latest first.
    #[must_use]
    pub fn list(&self) -> Vec<Refusal> {
        let mut all: Vec<Refusal> = self.kept().values().cloned().collect();
        all.sort_by(|a, b| b.last.cmp(&a.last).then_with(|| a.party.cmp(&b.party)));
        all
    }

    fn kept(&self) -> MutexGuard<'_, ByParty> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for RefusedParty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Person(name) => f.write_str(name),
            Self::Host(id) => write!(f, "host {id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{net::Ipv4Addr, sync::Arc};

    use super::*;
    use crate::clock::SystemClock;

    #[test]
    fn many_addresses_push_out_no_host() {
        let refusals = Refusals::new(Arc::new(SystemClock));
        for _ in 0..2 {
            refusals.note(RefusedParty::Host(HostId(7)), "Too much", "Wait.", "/agent/v1/frames");
        }
        for number in 0..10_000 {
            let address = IpAddr::from(Ipv4Addr::from_bits(number));
            refusals.note(RefusedParty::Address(address), "No", &"x".repeat(9000), "/login");
        }
        let kept = refusals.list();
        assert_eq!(kept.len(), KEPT);
        let host = kept.iter().find(|one| one.party == RefusedParty::Host(HostId(7))).unwrap();
        assert_eq!((host.times, host.reason.as_str()), (2, "Wait."));
        assert!(kept.iter().all(|one| one.reason.len() <= CHARS));
    }
}
