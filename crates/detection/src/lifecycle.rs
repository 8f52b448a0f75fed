//! What becomes of an incident.
//!
//! A state machine without a clock: it is told what was observed, and answers with what counts and
//! what somebody should be told. The same cause over many hosts is one incident.

use std::{cmp::Reverse, collections::BTreeMap};

use jiff::{SignedDuration, Timestamp};
use poolwatch_analysis::confidence::named_suspect;
use poolwatch_model::{
    HostId,
    alerting::IncidentExtent,
    diagnosis::{Diagnosis, Verdict},
    incident::{IncidentChange, IncidentState},
};
use serde::{Deserialize, Serialize};

use crate::bounds::SOON_S;

/// Faster growth and more hosts are told again after this long: a fleet that is looked at for the
/// first time, or an update that arrives everywhere, is one mail and not one per doubling.
const TOLD_AGAIN_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// Without growth for this long an incident is quiet.
const QUIET_AFTER: SignedDuration = SignedDuration::from_hours(24);
/// Growth this many times as fast as when it was last told is worse.
const WORSE_RATE: f64 = 2.0;
/// What was found on a host counts for so long, though milder things are found after it: who looks
/// twice in an hour sees the same pool full and nearly full.
const SINKS_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// A run without growth counts only when it is longer than this, whatever the one that failed.
const LEAST_RUN_S: u64 = 24 * 3600;
/// A quiet incident whose host still runs resolves after this long: nothing was given back, but
/// nothing is taken either.
const RESOLVES_AFTER: SignedDuration = SignedDuration::from_hours(7 * 24);
/// A cause that comes back within this time is the same incident.
const REGRESSES_WITHIN: SignedDuration = SignedDuration::from_hours(90 * 24);

/// What an incident remembers of one host: what counts of it, and how it goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostImpact {
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
    /// When the judgement that counts was made.
    pub judged: Timestamp,
    /// Its verdict.
    pub verdict: Verdict,
    /// How long the pool lasts by it, seconds.
    pub left_s: Option<u64>,
    /// How sure it is of whom it names; 0 when it names nobody.
    pub confidence: f32,
}

impl HostImpact {
    /// How bad it is, to be compared: the worst is the greatest.
    fn badness(&self) -> (bool, Reverse<usize>, Reverse<u64>, u32, u64) {
        let left_s = self.left_s.unwrap_or(u64::MAX);
        let confidence = (self.confidence * 1000.0) as u32;
        let goes_on = self.restarted.is_none();
        (goes_on, order(self.verdict), Reverse(left_s), confidence, self.per_day as u64)
    }

    /// Whether something that is found now counts instead.
    fn gives_way_to(&self, verdict: Verdict, at: Timestamp) -> bool {
        self.cleared
            || self.restarted.is_some()
            || order(verdict) >= order(self.verdict)
            || at.duration_since(self.judged) >= SINKS_AFTER
    }
}

/// The worst verdict is the greatest.
fn order(verdict: Verdict) -> Reverse<usize> {
    Reverse(Verdict::ALL.iter().position(|one| *one == verdict).unwrap_or(Verdict::ALL.len()))
}

/// What an incident remembers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct IncidentLifecycle {
    /// Its state.
    pub state: IncidentState,
    /// Hosts that it was seen on.
    pub hosts: BTreeMap<HostId, HostImpact>,
    /// Growth of all hosts together when somebody was told last, bytes per day.
    pub told_per_day: f64,
    /// Hosts when somebody was told last.
    pub told_hosts: usize,
    /// Whether a pool was to run out soon when somebody was told last.
    pub told_soon: bool,
    /// The verdict when somebody was told last.
    pub told_verdict: Option<Verdict>,
    /// When somebody was told last.
    #[serde(default)]
    pub told: Option<Timestamp>,
    /// When it was resolved.
    pub resolved: Option<Timestamp>,
    /// The hosts on which it went on when somebody said that it is over.
    #[serde(default)]
    pub closed_on: Vec<HostId>,
}

/// What was observed of one host.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Observation<'a> {
    /// The cause was found.
    Found {
        /// With which judgement.
        diagnosis: &'a Diagnosis,
        /// Uptime, seconds.
        uptime_s: u64,
        /// What is news about it whatever was known before, if anything.
        news: Option<IncidentChange>,
    },
    /// The host was diagnosed, and the cause was not found.
    NotFound {
        /// Uptime, seconds.
        uptime_s: u64,
    },
    /// What was held came back while Windows went on: the suspect ended.
    GivenBack,
    /// Windows was restarted.
    Restarted,
}

/// What an observation leads to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IncidentUpdate {
    /// Whether the judgement counts of its host from now on.
    pub counts: bool,
    /// What somebody should be told.
    pub change: Option<IncidentChange>,
}

/// The hosts whose judgements make an incident's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordHosts {
    /// The one that is worst off: verdict, level, bound and time left are of there.
    pub worst: HostId,
    /// The one on which somebody is named with the most confidence; the worst if nobody is.
    pub named: HostId,
}

impl IncidentLifecycle {
    /// Takes an observation in.
    pub fn observe(
        &mut self,
        host: HostId,
        at: Timestamp,
        observation: Observation<'_>,
    ) -> IncidentUpdate {
        match observation {
            Observation::Found { diagnosis, uptime_s, news } => {
                return self.find(host, at, diagnosis, uptime_s, news);
            }
            Observation::NotFound { uptime_s } => {
                if let Some(of) = self.hosts.get_mut(&host) {
                    let proven = of.failed_uptime_s.max(LEAST_RUN_S);
                    of.cleared |= of.restarted.is_some() && uptime_s > proven;
                    of.cleared |=
                        of.restarted.is_none() && at.duration_since(of.grew) >= RESOLVES_AFTER;
                }
            }
            Observation::GivenBack => {
                if let Some(of) = self.hosts.get_mut(&host) {
                    of.cleared = true;
                }
            }
            Observation::Restarted => {
                if let Some(of) = self.hosts.get_mut(&host).filter(|of| !of.cleared) {
                    of.restarted = Some(at);
                }
            }
        }
        IncidentUpdate { counts: false, change: self.settle(at) }
    }

    /// Lets time pass: what has not grown for long is quiet.
    pub fn pass(&mut self, at: Timestamp) -> Option<IncidentChange> {
        self.settle(at)
    }

    /// It is over by the word of a person, or because nobody heard of its hosts for long. Whatever is
    /// found of it later is that it came back.
    pub fn close(&mut self, at: Timestamp) {
        self.closed_on = self.affected().map(|(host, _)| host).collect();
        for host in self.hosts.values_mut() {
            host.cleared = true;
        }
        self.state = IncidentState::Resolved;
        self.resolved = Some(at);
    }

    /// It is not over, by the word of a person: it goes on where it did when it was closed; where
    /// nobody closed it, on every host. It is given as much time as if it had been seen to grow now.
    pub fn reopen(&mut self, at: Timestamp) {
        let closed_on = std::mem::take(&mut self.closed_on);
        for (host, impact) in &mut self.hosts {
            if closed_on.is_empty() || closed_on.contains(host) {
                (impact.cleared, impact.restarted, impact.grew) = (false, None, at);
            }
        }
        self.state = IncidentState::Open;
        self.resolved = None;
    }

    /// Takes in what another incident remembers, which is this one by the word of a person. Of a host
    /// that both know the worse counts.
    pub fn take_in(&mut self, other: Self) {
        for (host, impact) in other.hosts {
            let known = self.hosts.get(&host).filter(|known| !known.cleared);
            if known.is_none_or(|known| !impact.cleared && known.badness() < impact.badness()) {
                self.hosts.insert(host, impact);
            }
        }
        if other.state.is_active() && !self.state.is_active() {
            (self.state, self.resolved) = (other.state, None);
        }
        self.told_per_day = self.per_day().max(self.told_per_day);
        self.told_hosts = self.affected().count().max(self.told_hosts);
        self.told_soon |= other.told_soon;
        self.told = self.told.max(other.told);
    }

    /// Whether a finding of the same cause at this time belongs to this incident.
    #[must_use]
    pub fn takes(&self, at: Timestamp) -> bool {
        self.resolved.is_none_or(|resolved| at.duration_since(resolved) < REGRESSES_WITHIN)
    }

    /// Hosts on which it goes on, in their order.
    pub fn affected(&self) -> impl Iterator<Item = (HostId, &HostImpact)> {
        self.hosts.iter().filter(|(_, of)| !of.cleared).map(|(host, of)| (*host, of))
    }

    /// The hosts that its record is made of; `None` when it goes on nowhere, and its record stays.
    #[must_use]
    pub fn record_hosts(&self) -> Option<RecordHosts> {
        let (worst, impact) =
            self.affected().max_by_key(|(host, of)| (of.badness(), Reverse(*host)))?;
        let sure = |of: &HostImpact| (of.confidence * 1000.0) as u32;
        let named = self.affected().max_by_key(|(host, of)| (sure(of), Reverse(*host)))?;
        let is_surer = impact.confidence <= 0.0 && named.1.confidence > 0.0;
        Some(RecordHosts { worst, named: if is_surer { named.0 } else { worst } })
    }

    /// How bad it is.
    #[must_use]
    pub fn extent(&self) -> IncidentExtent {
        let is_urgent = |of: &HostImpact| {
            matches!(of.verdict, Verdict::Exhausted | Verdict::CommitExhaustion)
                || of.left_s.is_some_and(|left| left < SOON_S)
        };
        IncidentExtent {
            per_day: self.per_day(),
            hosts: self.affected().count() as u64,
            is_urgent: self.affected().any(|(_, of)| is_urgent(of)),
        }
    }

    fn per_day(&self) -> f64 {
        self.affected().map(|(_, host)| host.per_day).sum()
    }

    fn find(
        &mut self,
        host: HostId,
        at: Timestamp,
        diagnosis: &Diagnosis,
        uptime_s: u64,
        news: Option<IncidentChange>,
    ) -> IncidentUpdate {
        let is_new = self.hosts.is_empty();
        let was_over = self.state == IncidentState::Resolved;
        let day = diagnosis.tags.iter().find_map(|tag| tag.bytes_per_day);
        let per_day = day.map_or(0.0, |day| day.0 as f64);
        let known = self.hosts.get(&host).filter(|of| !of.cleared);
        let found = HostImpact {
            since: known.map_or(at, |of| of.since),
            grew: at,
            per_day,
            failed_uptime_s: uptime_s,
            restarted: None,
            cleared: false,
            judged: at,
            verdict: diagnosis.verdict,
            left_s: diagnosis.left_s(),
            confidence: named_suspect(diagnosis).map_or(0.0, |one| one.confidence),
        };
        let counts = known.is_none_or(|of| of.gives_way_to(diagnosis.verdict, at));
        let impact = match known {
            Some(of) if !counts => HostImpact {
                judged: of.judged,
                verdict: of.verdict,
                left_s: of.left_s,
                confidence: of.confidence,
                ..found
            },
            _ => found,
        };
        self.hosts.insert(host, impact);
        self.resolved = None;
        let change = self.change(at, news, is_new, was_over);
        self.state = match change {
            Some(IncidentChange::Regressed) => IncidentState::Regressed,
            Some(IncidentChange::Worsened) => IncidentState::Worsening,
            _ if per_day <= 0.0 => IncidentState::Open,
            // It stays worse or regressed while it goes on.
            None if matches!(self.state, IncidentState::Worsening | IncidentState::Regressed) => {
                self.state
            }
            _ => IncidentState::Growing,
        };
        IncidentUpdate { counts, change }
    }

    /// What somebody should be told after a finding, noted as told.
    fn change(
        &mut self,
        at: Timestamp,
        news: Option<IncidentChange>,
        is_new: bool,
        was_over: bool,
    ) -> Option<IncidentChange> {
        let (rate, hosts) = (self.per_day(), self.affected().count());
        let soon = self.affected().any(|(_, of)| of.left_s.is_some_and(|left| left < SOON_S));
        let verdict = self.affected().map(|(_, of)| of.verdict).max_by_key(|one| order(*one))?;
        let faster = self.told_per_day > 0.0 && rate > self.told_per_day * WORSE_RATE;
        let wider = hosts >= self.told_hosts.saturating_mul(2).max(3);
        let lately = self.told.is_some_and(|told| at.duration_since(told) < TOLD_AGAIN_AFTER);
        let ran_out = matches!(verdict, Verdict::Exhausted | Verdict::CommitExhaustion)
            && self.told_verdict.is_none_or(|told| order(told) < order(verdict));
        let worse = (faster || wider) && !lately || soon && !self.told_soon || ran_out;
        let change = match () {
            () if is_new => Some(IncidentChange::Opened),
            () if was_over => Some(IncidentChange::Regressed),
            () if worse => Some(IncidentChange::Worsened),
            () => news,
        };
        if change.is_some() {
            (self.told_per_day, self.told_hosts, self.told_soon) = (rate, hosts, soon);
            (self.told_verdict, self.told) = (Some(verdict), Some(at));
        }
        change
    }

    fn settle(&mut self, at: Timestamp) -> Option<IncidentChange> {
        if self.hosts.is_empty() || self.state == IncidentState::Resolved {
            return None;
        }
        let open: Vec<&HostImpact> = self.affected().map(|(_, of)| of).collect();
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
