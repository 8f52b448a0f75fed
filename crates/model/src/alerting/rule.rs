//! Rules: of which incidents people are told. They change nothing of what is found.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::{
    diagnosis::Verdict,
    incident::{Cause, IncidentChange},
};

/// Hosts that a rule can ask for.
pub const LEAST_HOSTS: RangeInclusive<u32> = 1..=100_000;
/// Hours that a rule can ask a pool to have left at most; 0 is whatever it has left.
pub const LEFT_HOURS: RangeInclusive<u32> = 0..=8_760;

/// What people are told for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlertRule {
    /// A pool was found empty: events 2019 and 2020, and failed allocations.
    PoolEmpty,
    /// Commit ran out: event 2004.
    CommitExhausted,
    /// A host fell silent while a pool was under pressure.
    SilentUnderPressure,
    /// A tag, a program's handles or a driver's allocations grow and are not given back.
    Leak,
    /// A tag or a host uses far more than its peers.
    HighUse,
}

/// How a rule is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleSetting {
    /// Which.
    pub rule: AlertRule,
    /// Whether people are told at all.
    pub is_on: bool,
    /// From so many hosts on.
    pub least_hosts: u32,
    /// Once a pool has so many hours left at most; 0: whatever it has left.
    pub left_h: u32,
}

impl AlertRule {
    /// All of them, the most urgent first.
    pub const ALL: [Self; 5] = [
        Self::PoolEmpty,
        Self::CommitExhausted,
        Self::SilentUnderPressure,
        Self::Leak,
        Self::HighUse,
    ];

    /// Its stable name in the database and in addresses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PoolEmpty => "pool-empty",
            Self::CommitExhausted => "commit-exhausted",
            Self::SilentUnderPressure => "silent-under-pressure",
            Self::Leak => "leak",
            Self::HighUse => "high-use",
        }
    }

    /// The rule of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.as_str() == name)
    }

    /// The rule that tells of an incident.
    #[must_use]
    pub const fn of_incident(cause: &Cause, verdict: Verdict) -> Self {
        match (cause, verdict) {
            (Cause::Silence { .. }, _) => Self::SilentUnderPressure,
            (_, Verdict::Exhausted) => Self::PoolEmpty,
            (_, Verdict::CommitExhaustion) => Self::CommitExhausted,
            (_, Verdict::Leak) => Self::Leak,
            _ => Self::HighUse,
        }
    }

    /// Whether time left says anything about it: what has run out has none.
    #[must_use]
    pub const fn has_time_left(self) -> bool {
        matches!(self, Self::Leak)
    }
}

impl RuleSetting {
    /// As a rule is when nobody set it.
    #[must_use]
    pub const fn default_of(rule: AlertRule) -> Self {
        Self { rule, is_on: true, least_hosts: 1, left_h: 0 }
    }

    /// Whether an incident on so many hosts, with so many seconds left, is one that people are told of.
    #[must_use]
    pub fn is_met(&self, hosts: u64, left_s: Option<u64>) -> bool {
        let is_soon = self.left_h == 0
            || left_s.is_some_and(|left_s| left_s <= u64::from(self.left_h) * 3600);
        self.is_on && hosts >= u64::from(self.least_hosts) && is_soon
    }

    /// Whether a change is told though the thresholds are not met: what is over may be so on any
    /// number of hosts.
    #[must_use]
    pub const fn is_exempt(change: IncidentChange) -> bool {
        matches!(change, IncidentChange::Resolved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_met_from_them_on() {
        let rule =
            RuleSetting { least_hosts: 3, left_h: 24, ..RuleSetting::default_of(AlertRule::Leak) };
        for (hosts, left_s, is_met) in [
            (3, Some(86_400), true),
            (2, Some(3_600), false),
            (9, Some(86_401), false),
            (9, None, false),
        ] {
            assert_eq!(rule.is_met(hosts, left_s), is_met, "{hosts} {left_s:?}");
        }
        assert!(RuleSetting::default_of(AlertRule::Leak).is_met(1, None));
        assert!(!RuleSetting { is_on: false, ..rule }.is_met(9, Some(1)));
    }

    #[test]
    fn every_rule_is_found_by_its_name() {
        for rule in AlertRule::ALL {
            assert_eq!(AlertRule::from_name(rule.as_str()), Some(rule));
        }
        assert_eq!(AlertRule::from_name("no-rule"), None);
    }
}
