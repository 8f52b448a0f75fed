//! Rules: what people are told for. They change nothing of what is found.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::{AlertLevel, RuleScope, ScopeRole};
use crate::{
    diagnosis::Verdict,
    incident::{Cause, IncidentChange},
};

/// Hosts that a rule can ask for.
pub const LEAST_HOSTS: RangeInclusive<u32> = 1..=100_000;
/// Minutes for which something has to go on at most.
pub const MINUTES: RangeInclusive<u32> = 0..=1_440;
/// Letters of a program's name.
pub const PROGRAM_CHARS: usize = 100;

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
    /// A leak fills a pool soon, and how soon is known well.
    RunsOutSoon,
    /// An incident is on many hosts.
    Spreads,
    /// A driver that leaked in one version leaks in another.
    NewDriverVersion,
    /// A pool is near its limit for a time.
    LowHeadroom,
    /// Commit is near its limit for a time.
    LowCommit,
    /// A process holds many handles, gets more, and a pool is under pressure.
    ManyHandles,
    /// A process of a named program holds many handles.
    ProgramHandles,
    /// The Server service met a limit of its own: events 2017 and 2018.
    PoolLimit,
    /// The Server service could not allocate from a pool, by its own counters: twins of 2019 and 2020.
    PoolFailures,
    /// A host does not report.
    HostSilent,
    /// A host reports, and what it sends is old.
    DataLate,
    /// The server's disk fills.
    ServerDisk,
    /// The server's database answers slowly.
    ServerDatabase,
    /// Messages wait.
    ServerBacklog,
    /// Hosts are refused, have more names than one may have, or cannot be read.
    ServerHosts,
    /// The server's certificate is about to expire.
    ServerCertificate,
}

/// What a rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleField {
    /// Incidents: which of them are told.
    Incidents,
    /// Hosts, each by itself; those in trouble are one alert.
    Hosts,
    /// Poolwatch's own server.
    Server,
}

/// What a threshold counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThresholdUnit {
    /// Hours that a pool has left.
    HoursLeft,
    /// Hosts.
    Hosts,
    /// Percent of a limit.
    Percent,
    /// Open handles of one process.
    Handles,
    /// Events in an hour.
    Events,
    /// Failed allocations in an hour.
    Failures,
    /// Minutes.
    Minutes,
    /// Milliseconds.
    Milliseconds,
    /// Days left.
    DaysLeft,
}

/// What a rule's threshold may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThresholdBounds {
    /// What it counts.
    pub unit: ThresholdUnit,
    /// From which to which.
    pub range: RangeInclusive<u32>,
    /// What it is while nobody changes it.
    pub preset: u32,
}

/// How a rule is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSetting {
    /// Its name in addresses: of one that comes with Poolwatch, its kind's.
    pub name: String,
    /// Its kind.
    pub rule: AlertRule,
    /// Whether people are told at all.
    pub is_on: bool,
    /// From so many hosts on.
    pub least_hosts: u32,
    /// From which value on, see [`AlertRule::threshold`].
    pub threshold: u32,
    /// After so many minutes.
    pub minutes: u32,
    /// Image name of the program that it is about, where its kind is about one.
    pub program: Option<String>,
    /// On which hosts.
    pub scope: RuleScope,
}

impl AlertRule {
    /// All of them, those about incidents first, the most urgent first.
    pub const ALL: [Self; 21] = [
        Self::PoolEmpty,
        Self::CommitExhausted,
        Self::SilentUnderPressure,
        Self::Leak,
        Self::HighUse,
        Self::RunsOutSoon,
        Self::Spreads,
        Self::NewDriverVersion,
        Self::LowHeadroom,
        Self::LowCommit,
        Self::ManyHandles,
        Self::ProgramHandles,
        Self::PoolLimit,
        Self::PoolFailures,
        Self::HostSilent,
        Self::DataLate,
        Self::ServerDisk,
        Self::ServerDatabase,
        Self::ServerBacklog,
        Self::ServerHosts,
        Self::ServerCertificate,
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
            Self::RunsOutSoon => "runs-out-soon",
            Self::Spreads => "spreads",
            Self::NewDriverVersion => "new-driver-version",
            Self::LowHeadroom => "low-headroom",
            Self::LowCommit => "low-commit",
            Self::ManyHandles => "many-handles",
            Self::ProgramHandles => "program-handles",
            Self::PoolLimit => "pool-limit",
            Self::PoolFailures => "pool-failures",
            Self::HostSilent => "host-silent",
            Self::DataLate => "data-late",
            Self::ServerDisk => "server-disk",
            Self::ServerDatabase => "server-database",
            Self::ServerBacklog => "server-backlog",
            Self::ServerHosts => "server-hosts",
            Self::ServerCertificate => "server-certificate",
        }
    }

    /// The rule of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.as_str() == name)
    }

    /// What it looks at.
    #[must_use]
    pub const fn field(self) -> RuleField {
        match self {
            Self::PoolEmpty
            | Self::CommitExhausted
            | Self::SilentUnderPressure
            | Self::Leak
            | Self::HighUse
            | Self::RunsOutSoon
            | Self::Spreads
            | Self::NewDriverVersion => RuleField::Incidents,
            Self::LowHeadroom
            | Self::LowCommit
            | Self::ManyHandles
            | Self::ProgramHandles
            | Self::PoolLimit
            | Self::PoolFailures
            | Self::HostSilent
            | Self::DataLate => RuleField::Hosts,
            Self::ServerDisk
            | Self::ServerDatabase
            | Self::ServerBacklog
            | Self::ServerHosts
            | Self::ServerCertificate => RuleField::Server,
        }
    }

    /// The rule that an incident has by what it is.
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

    /// What its threshold may be; none where it has none.
    #[must_use]
    pub const fn threshold(self) -> Option<ThresholdBounds> {
        use ThresholdUnit::{
            DaysLeft, Events, Failures, Handles, Hosts, HoursLeft, Milliseconds, Minutes, Percent,
        };
        let (unit, range, preset) = match self {
            Self::PoolEmpty
            | Self::CommitExhausted
            | Self::SilentUnderPressure
            | Self::HighUse
            | Self::NewDriverVersion => return None,
            // 0: whatever is left.
            Self::Leak => (HoursLeft, 0..=8_760, 0),
            Self::RunsOutSoon => (HoursLeft, 1..=8_760, 24),
            Self::Spreads => (Hosts, 2..=100_000, 10),
            Self::LowHeadroom => (Percent, 50..=99, 90),
            Self::LowCommit => (Percent, 50..=99, 95),
            Self::ManyHandles => (Handles, 1_000..=16_000_000, 5_000),
            Self::ProgramHandles => (Handles, 100..=16_000_000, 2_000),
            Self::PoolLimit => (Events, 1..=1_000, 1),
            Self::PoolFailures => (Failures, 1..=1_000_000, 1),
            Self::HostSilent | Self::DataLate => (Minutes, 10..=10_080, 60),
            Self::ServerDisk => (Percent, 50..=99, 90),
            Self::ServerDatabase => (Milliseconds, 100..=60_000, 2_000),
            Self::ServerBacklog => (Minutes, 1..=1_440, 30),
            Self::ServerHosts => (Hosts, 1..=100_000, 1),
            Self::ServerCertificate => (DaysLeft, 1..=90, 14),
        };
        Some(ThresholdBounds { unit, range, preset })
    }

    /// For how many minutes it has to go on while nobody changes it; none where that makes no sense.
    #[must_use]
    pub const fn minutes(self) -> Option<u32> {
        match self {
            Self::LowHeadroom | Self::LowCommit => Some(15),
            Self::ManyHandles => Some(0),
            Self::ProgramHandles
            | Self::ServerDisk
            | Self::ServerDatabase
            | Self::ServerBacklog => Some(5),
            _ => None,
        }
    }

    /// Whether its value is worse the smaller it is.
    #[must_use]
    pub const fn counts_down(self) -> bool {
        matches!(self, Self::ServerCertificate)
    }

    /// The least value that is written down for it, so that other thresholds can be tried on the past.
    #[must_use]
    pub fn floor(self) -> u64 {
        let bounds = self.threshold();
        let least = |bounds: &ThresholdBounds| match self.counts_down() {
            true => *bounds.range.end(),
            false => *bounds.range.start(),
        };
        bounds.as_ref().map_or(0, least).into()
    }

    /// Whether it is about one program, which has to be named.
    #[must_use]
    pub const fn is_about_a_program(self) -> bool {
        matches!(self, Self::ProgramHandles)
    }

    /// How urgent what it tells of is; incidents say it themselves.
    #[must_use]
    pub const fn level(self) -> AlertLevel {
        match self {
            Self::DataLate | Self::ServerHosts => AlertLevel::Note,
            Self::ServerDisk | Self::ServerDatabase => AlertLevel::Critical,
            _ => AlertLevel::Warning,
        }
    }
}

impl RuleSetting {
    /// As a rule is when nobody set it. Those that tell of what another one tells of anyhow are off,
    /// and so is the one that needs a program's name.
    #[must_use]
    pub fn default_of(rule: AlertRule) -> Self {
        use AlertRule::{HostSilent, NewDriverVersion, ProgramHandles, RunsOutSoon, Spreads};
        // Workstations are switched off at night.
        let role = (rule == HostSilent).then_some(ScopeRole::Server);
        Self {
            name: rule.as_str().to_owned(),
            rule,
            is_on: !matches!(rule, RunsOutSoon | Spreads | NewDriverVersion | ProgramHandles),
            least_hosts: 1,
            threshold: rule.threshold().map_or(0, |bounds| bounds.preset),
            minutes: rule.minutes().unwrap_or(0),
            program: None,
            scope: RuleScope { role, ..RuleScope::default() },
        }
    }

    /// Whether it came with Poolwatch.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        self.name == self.rule.as_str()
    }

    /// Whether a value is one that it tells of.
    #[must_use]
    pub fn is_reached(&self, value: u64) -> bool {
        match self.rule.counts_down() {
            true => value <= u64::from(self.threshold),
            false => value >= u64::from(self.threshold),
        }
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
    fn every_rule_is_found_by_its_name_and_its_preset_is_within_its_bounds() {
        for rule in AlertRule::ALL {
            assert_eq!(AlertRule::from_name(rule.as_str()), Some(rule));
            let setting = RuleSetting::default_of(rule);
            assert!(setting.is_built_in() && MINUTES.contains(&setting.minutes));
            let bounds = rule.threshold();
            assert!(bounds.is_none_or(|bounds| bounds.range.contains(&setting.threshold)));
        }
        assert_eq!(AlertRule::from_name("no-rule"), None);
    }

    #[test]
    fn a_threshold_is_reached_from_it_on_in_its_direction() {
        let disk = RuleSetting::default_of(AlertRule::ServerDisk);
        assert_eq!([89, 90, 91].map(|value| disk.is_reached(value)), [false, true, true]);
        let certificate = RuleSetting::default_of(AlertRule::ServerCertificate);
        assert_eq!([13, 14, 15].map(|value| certificate.is_reached(value)), [true, true, false]);
    }
}
