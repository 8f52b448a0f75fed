//! How findings become incidents, and what becomes of those.
//!
//! A state machine without a clock: it is told what was observed, and answers with the state and
//! what somebody should be told. The same cause over many hosts is one incident.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use poolwatch_analysis::confidence::NAMED;
use poolwatch_model::{
    HostId, Pool,
    diagnosis::{Diagnosis, SuspectKind, Verdict},
    incident::{Cause, IncidentChange, IncidentState},
};
use serde::{Deserialize, Serialize};

/// Faster growth and more hosts are told again after this long: a fleet that is looked at for the
/// first time, or an update that arrives everywhere, is one mail and not one per doubling.
const TOLD_AGAIN_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// Without growth for this long an incident is quiet.
const QUIET_AFTER: SignedDuration = SignedDuration::from_hours(24);
/// Growth this many times as fast as when it was last told is worse.
const WORSE_RATE: f64 = 2.0;
/// A pool that runs out within this time is worse, seconds.
const SOON_S: u64 = 24 * 3600;
/// A run without growth counts only when it is longer than this, whatever the one that failed.
const LEAST_RUN_S: u64 = 24 * 3600;
/// A quiet incident whose host still runs resolves after this long: nothing was given back, but
/// nothing is taken either.
const RESOLVES_AFTER: SignedDuration = SignedDuration::from_hours(7 * 24);
/// A cause that comes back within this time is the same incident.
const REGRESSES_WITHIN: SignedDuration = SignedDuration::from_hours(90 * 24);

/// The cause that a diagnosis of a host is an instance of; `None` when nothing is wrong.
///
/// Whoever is named with some confidence makes the cause; else the tag does; else the host alone.
#[must_use]
pub fn cause(host: HostId, diagnosis: &Diagnosis) -> Option<Cause> {
    let pool = diagnosis.pool.unwrap_or(Pool::Nonpaged);
    let first_tag = diagnosis.tags.first().map(|tag| tag.tag);
    match diagnosis.verdict {
        Verdict::NoLeakShown | Verdict::InsufficientEvidence => return None,
        Verdict::CommitExhaustion => return Some(Cause::CommitExhausted { host }),
        Verdict::HighUse => return first_tag.map(|tag| Cause::HighUse { tag, pool }),
        Verdict::Exhausted | Verdict::Leak => {}
    }
    let suspect = diagnosis.suspects.first();
    let tag = suspect.and_then(|suspect| suspect.tags.first().copied()).or(first_tag);
    let by_suspect = suspect.zip(tag).and_then(|(suspect, tag)| {
        let name = suspect.name.as_deref().filter(|_| suspect.confidence >= NAMED);
        match (suspect.kind, name) {
            (SuspectKind::Process, Some(image)) => {
                Some(Cause::Program { image: image.to_lowercase(), tag, pool })
            }
            (SuspectKind::Driver, Some(driver)) => Some(Cause::Driver {
                driver: driver.to_lowercase(),
                version: suspect.version.clone(),
                tag,
                pool,
            }),
            (SuspectKind::KernelReference, _) => Some(Cause::KernelReference { tag, pool }),
            _ => None,
        }
    });
    // An exhausted pool without a suspect is one host's, unless a tag leaks there.
    let leaks = diagnosis
        .tags
        .iter()
        .any(|tag| tag.finding == poolwatch_model::diagnosis::TagFinding::Leaks);
    by_suspect.or(match (diagnosis.verdict, tag) {
        (Verdict::Leak, Some(tag)) => Some(Cause::UnknownOwner { tag, pool }),
        (Verdict::Exhausted, Some(tag)) if leaks => Some(Cause::UnknownOwner { tag, pool }),
        (Verdict::Exhausted, _) => Some(Cause::PoolEmpty { host, pool }),
        _ => None,
    })
}

/// What an incident remembers of one host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostStanding {
    /// First observation.
    pub since: Timestamp,
    /// Latest growth.
    pub grew: Timestamp,
    /// Growth, bytes per day, by the latest observation.
    pub per_day: f64,
    /// Uptime at the latest growth, seconds: how long the run that failed had lasted.
    pub failed_uptime_s: u64,
    /// When the host was restarted since, and has not been seen to grow.
    pub restarted: Option<Timestamp>,
    /// Whether it has been cleared: what was held came back, or a long run showed no growth.
    pub cleared: bool,
}

/// What an incident remembers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// How it stands.
    pub state: IncidentState,
    /// Hosts that it was seen on.
    pub hosts: BTreeMap<HostId, HostStanding>,
    /// Growth of all hosts together when somebody was told last, bytes per day.
    pub told_per_day: f64,
    /// Hosts when somebody was told last.
    pub told_hosts: usize,
    /// Whether a pool was to run out soon when somebody was told last.
    pub told_soon: bool,
    /// When somebody was told last.
    #[serde(default)]
    pub told: Option<Timestamp>,
    /// When it was resolved.
    pub resolved: Option<Timestamp>,
}

/// What was observed of one host.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Observed {
    /// The cause was found, growing by so much per day; 0 for what does not grow.
    Found {
        /// Bytes per day.
        per_day: f64,
        /// How long the pool lasts, seconds.
        left_s: Option<u64>,
        /// Uptime, seconds.
        uptime_s: u64,
    },
    /// The host was studied, and the cause was not found.
    NotFound {
        /// Uptime, seconds.
        uptime_s: u64,
    },
    /// What was held came back while Windows went on: the suspect ended.
    GivenBack,
    /// Windows was restarted.
    Restarted,
}

impl Standing {
    /// Takes an observation in. Returns what somebody should be told, if anything.
    pub fn observe(
        &mut self,
        host: HostId,
        at: Timestamp,
        observed: Observed,
    ) -> Option<IncidentChange> {
        match observed {
            Observed::Found { per_day, left_s, uptime_s } => {
                return self.found(host, at, per_day, left_s, uptime_s);
            }
            Observed::NotFound { uptime_s } => {
                if let Some(of) = self.hosts.get_mut(&host) {
                    let proven = of.failed_uptime_s.max(LEAST_RUN_S);
                    of.cleared |= of.restarted.is_some() && uptime_s > proven;
                    of.cleared |=
                        of.restarted.is_none() && at.duration_since(of.grew) >= RESOLVES_AFTER;
                }
            }
            Observed::GivenBack => {
                if let Some(of) = self.hosts.get_mut(&host) {
                    of.cleared = true;
                }
            }
            Observed::Restarted => {
                if let Some(of) = self.hosts.get_mut(&host).filter(|of| !of.cleared) {
                    of.restarted = Some(at);
                }
            }
        }
        self.settle(at)
    }

    /// Lets time pass: what has not grown for long is quiet.
    pub fn pass(&mut self, at: Timestamp) -> Option<IncidentChange> {
        self.settle(at)
    }

    /// Somebody says that it is over. Whatever is found of it later is that it came back.
    pub fn close(&mut self, at: Timestamp) {
        for host in self.hosts.values_mut() {
            host.cleared = true;
        }
        self.state = IncidentState::Resolved;
        self.resolved = Some(at);
    }

    /// Whether a finding of the same cause at this time belongs to this incident.
    #[must_use]
    pub fn takes(&self, at: Timestamp) -> bool {
        self.resolved.is_none_or(|resolved| at.duration_since(resolved) < REGRESSES_WITHIN)
    }

    /// Hosts on which it goes on.
    #[must_use]
    pub fn affected(&self) -> usize {
        self.hosts.values().filter(|host| !host.cleared).count()
    }

    fn per_day(&self) -> f64 {
        self.hosts.values().filter(|host| !host.cleared).map(|host| host.per_day).sum()
    }

    fn found(
        &mut self,
        host: HostId,
        at: Timestamp,
        per_day: f64,
        left_s: Option<u64>,
        uptime_s: u64,
    ) -> Option<IncidentChange> {
        let is_new = self.hosts.is_empty();
        let was_over = self.state == IncidentState::Resolved;
        let since = self.hosts.get(&host).filter(|of| !of.cleared).map_or(at, |of| of.since);
        let standing = HostStanding {
            since,
            grew: at,
            per_day,
            failed_uptime_s: uptime_s,
            restarted: None,
            cleared: false,
        };
        self.hosts.insert(host, standing);
        self.resolved = None;
        let soon = left_s.is_some_and(|left| left < SOON_S);
        let rate = self.per_day();
        let faster = self.told_per_day > 0.0 && rate > self.told_per_day * WORSE_RATE;
        let wider = self.affected() >= self.told_hosts.saturating_mul(2).max(3);
        let lately = self.told.is_some_and(|told| at.duration_since(told) < TOLD_AGAIN_AFTER);
        let worse = (faster || wider) && !lately || soon && !self.told_soon;
        let told = match () {
            () if is_new => Some(IncidentChange::Opened),
            () if was_over => Some(IncidentChange::Regressed),
            () if worse => Some(IncidentChange::Worsened),
            () => None,
        };
        self.state = match told {
            Some(IncidentChange::Regressed) => IncidentState::Regressed,
            Some(IncidentChange::Worsened) => IncidentState::Worsening,
            _ if per_day <= 0.0 => IncidentState::Open,
            // It stays worse or regressed while it goes on.
            None if matches!(self.state, IncidentState::Worsening | IncidentState::Regressed) => {
                self.state
            }
            _ => IncidentState::Growing,
        };
        if told.is_some() {
            (self.told_per_day, self.told_hosts, self.told_soon) = (rate, self.affected(), soon);
            self.told = Some(at);
        }
        told
    }

    fn settle(&mut self, at: Timestamp) -> Option<IncidentChange> {
        if self.hosts.is_empty() || self.state == IncidentState::Resolved {
            return None;
        }
        let open: Vec<&HostStanding> = self.hosts.values().filter(|host| !host.cleared).collect();
        if open.is_empty() {
            self.state = IncidentState::Resolved;
            self.resolved = Some(at);
            return Some(IncidentChange::Resolved);
        }
        if open.iter().all(|host| host.restarted.is_some()) {
            self.state = IncidentState::ResetByReboot;
        } else if open.iter().all(|host| at.duration_since(host.grew) >= QUIET_AFTER) {
            self.state = IncidentState::Quiet;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use poolwatch_model::{PoolTag, diagnosis::Suspect};

    use super::*;

    const HOUR: i64 = 3600;
    const HOST: HostId = HostId(1);

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + hour * HOUR).unwrap()
    }

    fn found(uptime_h: u64) -> Observed {
        Observed::Found { per_day: 1e8, left_s: None, uptime_s: uptime_h * 3600 }
    }

    fn quiet_run(uptime_h: u64) -> Observed {
        Observed::NotFound { uptime_s: uptime_h * 3600 }
    }

    #[test]
    fn whoever_is_named_with_confidence_makes_the_cause_and_else_the_tag_does() {
        let tag = PoolTag::new(*b"Even");
        let suspect = |confidence| Suspect {
            kind: SuspectKind::Process,
            name: Some("BadApp.exe".into()),
            confidence,
            tags: vec![tag],
            ..Suspect::default()
        };
        let of = |confidence| Diagnosis {
            verdict: Verdict::Leak,
            pool: Some(Pool::Nonpaged),
            suspects: vec![suspect(confidence)],
            ..Diagnosis::default()
        };
        let pool = Pool::Nonpaged;
        let named = Cause::Program { image: "badapp.exe".into(), tag, pool };
        assert_eq!(cause(HOST, &of(0.9)), Some(named));
        assert_eq!(cause(HOST, &of(0.4)), Some(Cause::UnknownOwner { tag, pool }));
    }

    #[test]
    fn a_reboot_resolves_nothing_until_a_longer_run_shows_no_growth() {
        let mut standing = Standing::default();
        assert_eq!(standing.observe(HOST, at(0), found(72)), Some(IncidentChange::Opened));
        assert_eq!(standing.state, IncidentState::Growing);
        assert_eq!(standing.observe(HOST, at(1), Observed::Restarted), None);
        assert_eq!(standing.state, IncidentState::ResetByReboot);
        assert_eq!(standing.observe(HOST, at(60), quiet_run(59)), None);
        assert_eq!(standing.state, IncidentState::ResetByReboot, "the run that failed was longer");
        assert_eq!(standing.observe(HOST, at(74), quiet_run(73)), Some(IncidentChange::Resolved));
        assert_eq!(standing.observe(HOST, at(90), found(89)), Some(IncidentChange::Regressed));
        assert_eq!(standing.state, IncidentState::Regressed);
    }

    #[test]
    fn growth_after_a_reboot_goes_on_with_the_incident() {
        let mut standing = Standing::default();
        standing.observe(HOST, at(0), found(72));
        standing.observe(HOST, at(1), Observed::Restarted);
        assert_eq!(standing.observe(HOST, at(20), found(19)), None);
        assert_eq!(standing.state, IncidentState::Growing);
    }

    #[test]
    fn without_growth_it_is_quiet_and_what_comes_back_resolves_it() {
        let mut standing = Standing::default();
        standing.observe(HOST, at(0), found(72));
        assert_eq!(standing.pass(at(25)), None);
        assert_eq!(standing.state, IncidentState::Quiet);
        assert_eq!(
            standing.observe(HOST, at(26), Observed::GivenBack),
            Some(IncidentChange::Resolved)
        );
        assert_eq!(standing.pass(at(27)), None, "told once");
    }

    #[test]
    fn what_somebody_closed_is_over_until_it_is_found_again() {
        let mut standing = Standing::default();
        standing.observe(HOST, at(0), found(72));
        standing.close(at(1));
        assert_eq!((standing.state, standing.affected()), (IncidentState::Resolved, 0));
        assert_eq!(standing.observe(HOST, at(2), quiet_run(74)), None);
        assert_eq!(standing.observe(HOST, at(3), found(75)), Some(IncidentChange::Regressed));
        assert_eq!(standing.affected(), 1);
    }

    #[test]
    fn more_hosts_a_faster_growth_and_a_near_end_are_worse_once() {
        let mut standing = Standing::default();
        standing.observe(HOST, at(0), found(72));
        assert_eq!(standing.observe(HostId(2), at(1), found(72)), None);
        assert_eq!(standing.observe(HostId(3), at(1), found(72)), Some(IncidentChange::Worsened));
        assert_eq!(standing.observe(HostId(4), at(1), found(72)), None);
        for host in 5..20 {
            assert_eq!(standing.observe(HostId(host), at(1), found(72)), None, "told lately");
        }
        let soon = Observed::Found { per_day: 1e8, left_s: Some(3600), uptime_s: 1 };
        assert_eq!(standing.observe(HOST, at(2), soon), Some(IncidentChange::Worsened));
        assert_eq!(standing.observe(HOST, at(3), soon), None);
        assert_eq!(standing.state, IncidentState::Worsening);
    }

    #[test]
    fn old_incidents_take_no_new_findings() {
        let standing = Standing { resolved: Some(at(0)), ..Standing::default() };
        assert!(standing.takes(at(24)));
        assert!(!standing.takes(at(24 * 100)));
    }
}
