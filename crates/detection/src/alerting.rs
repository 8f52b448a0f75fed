//! Whom an incident concerns, whether a rule tells of it, and whether a silence keeps it from them.

use jiff::Timestamp;
use poolwatch_model::{
    HostId,
    alerting::{
        AlertLevel, AlertRule, IncidentExtent, Recipient, RuleField, RuleScope, RuleSetting,
        Silence,
    },
    diagnosis::{TimeLeft, Verdict},
    host::OsVersion,
    incident::{Cause, IncidentChange, IncidentId},
};

/// Growth this many times as fast as when it was silenced is worse.
const WORSE_RATE: f64 = 2.0;

/// A host, as far as scopes go by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopedHost {
    /// Which.
    pub id: HostId,
    /// Its name.
    pub name: String,
    /// The groups that it is in: those by rules, and its place in the directory.
    pub groups: Vec<String>,
    /// Its Windows.
    pub os: Option<OsVersion>,
}

impl ScopedHost {
    fn is_in(&self, scope: &RuleScope) -> bool {
        scope.covers(&self.name, &self.groups, self.os.as_ref())
    }
}

/// What rules go by of an incident.
#[derive(Debug, Clone, Copy)]
pub struct RuledIncident<'a> {
    /// Its cause.
    pub cause: &'a Cause,
    /// Its verdict.
    pub verdict: Verdict,
    /// How long a pool lasts.
    pub left: Option<TimeLeft>,
    /// Whether the driver behind it was found in another version before.
    pub is_new_version: bool,
    /// The hosts on which it goes on.
    pub hosts: &'a [ScopedHost],
}

/// Whether rules tell of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    /// One does.
    Now,
    /// One would if the incident were worse.
    Later,
    /// None is about it.
    Never,
}

/// Whether any of the rules tells of an incident.
#[must_use]
pub fn find_telling(
    rules: &[RuleSetting],
    incident: &RuledIncident<'_>,
    change: IncidentChange,
) -> Telling {
    let mut telling = Telling::Never;
    for rule in rules.iter().filter(|rule| rule.is_on) {
        match is_met(rule, incident) {
            Some(is_met) if is_met || RuleSetting::is_exempt(change) => return Telling::Now,
            Some(_) => telling = Telling::Later,
            None => {}
        }
    }
    telling
}

/// Whether the thresholds of a rule are met by an incident; none where the rule is not about it.
#[must_use]
pub fn is_met(rule: &RuleSetting, incident: &RuledIncident<'_>) -> Option<bool> {
    if rule.rule.field() != RuleField::Incidents {
        return None;
    }
    let hosts = match rule.scope.is_all() {
        true => incident.hosts.len(),
        false => match incident.hosts.iter().filter(|host| host.is_in(&rule.scope)).count() {
            0 => return None,
            hosts => hosts,
        },
    };
    let threshold = u64::from(rule.threshold);
    let primary = AlertRule::of_incident(incident.cause, incident.verdict);
    let is_within = |left_s: u64| left_s <= threshold * 3600;
    let is_met = match rule.rule {
        AlertRule::Leak if primary == AlertRule::Leak => {
            threshold == 0 || incident.left.is_some_and(|left| is_within(left.likely_s))
        }
        // Sure enough: at the latest in twice the time.
        AlertRule::RunsOutSoon => {
            let left = incident.left?;
            is_within(left.likely_s) && left.most_s.is_some_and(|most_s| is_within(most_s / 2))
        }
        AlertRule::Spreads => hosts as u64 >= threshold,
        AlertRule::NewDriverVersion => match incident.is_new_version {
            true => true,
            false => return None,
        },
        rule => match primary == rule {
            true => true,
            false => return None,
        },
    };
    Some(is_met && hosts >= rule.least_hosts as usize)
}

/// The silence that keeps an incident, or an alert of a rule, from everybody: each of its hosts is
/// covered by one. Of those that cover the hosts, the one that ends first leaves somebody to tell.
#[must_use]
pub fn find_silence<'a>(
    silences: &'a [Silence],
    incident: Option<(IncidentId, &Cause)>,
    hosts: &[ScopedHost],
    now: Timestamp,
) -> Option<&'a Silence> {
    let covers = |silence: &&Silence, host: Option<&ScopedHost>| {
        let matcher = &silence.matcher;
        let of_host = |host: &ScopedHost| {
            matcher.host.is_none_or(|wanted| wanted == host.id)
                && matcher.scope.covers(&host.name, &host.groups)
        };
        silence.is_active(now)
            && matcher.incident.is_none_or(|wanted| incident.is_some_and(|(id, _)| id == wanted))
            && matcher
                .tag
                .is_none_or(|wanted| incident.is_some_and(|(_, cause)| cause.tag() == Some(wanted)))
            && host.map_or(matcher.host.is_none() && matcher.scope.is_all(), of_host)
    };
    let longest = |host: Option<&ScopedHost>| {
        silences.iter().filter(|one| covers(one, host)).max_by_key(|one| (one.until, one.id))
    };
    if hosts.is_empty() {
        return longest(None);
    }
    let mut first = longest(hosts.first())?;
    for host in &hosts[1..] {
        let of_host = longest(Some(host))?;
        if of_host.until < first.until {
            first = of_host;
        }
    }
    Some(first)
}

/// Whether an incident is worse than it was: more hosts, twice as fast, or a pool that runs out within
/// a day.
#[must_use]
pub fn is_worse(now: IncidentExtent, than: IncidentExtent) -> bool {
    now.hosts > than.hosts
        || now.is_urgent && !than.is_urgent
        || now.per_day > 0.0 && now.per_day > than.per_day * WORSE_RATE && than.per_day > 0.0
}

/// Whether a recipient wants to know of an incident: it is urgent enough, and one of its hosts is in
/// scope.
#[must_use]
pub fn is_wanted(recipient: &Recipient, level: AlertLevel, hosts: &[ScopedHost]) -> bool {
    let in_scope = |host: &ScopedHost| recipient.scope.covers(&host.name, &host.groups);
    level >= recipient.least && (recipient.scope.is_all() || hosts.iter().any(in_scope))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use poolwatch_model::{
        Pool, PoolTag,
        alerting::{ChannelKind, HostScope, SilenceId, SilenceMatcher},
    };

    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }

    fn hosts(names: &[&str]) -> Vec<ScopedHost> {
        let host = |(id, name): (usize, &&str)| ScopedHost {
            id: HostId(id as i32),
            name: (*name).to_owned(),
            groups: vec!["File servers".into(), "Berlin/Files".into()],
            os: None,
        };
        names.iter().enumerate().map(host).collect()
    }

    fn silence(id: i64, hours: i64, matcher: SilenceMatcher) -> Silence {
        Silence {
            id: SilenceId(id),
            matcher,
            reason: "test".into(),
            by: "ana".into(),
            from: now() - SignedDuration::from_mins(1),
            until: now() + SignedDuration::from_hours(hours),
            worse_than: None,
            ended_by: None,
        }
    }

    fn named(pattern: &str) -> SilenceMatcher {
        SilenceMatcher { scope: HostScope::from_typed("", pattern), ..Default::default() }
    }

    fn found(silences: &[Silence], names: &[&str]) -> Option<i64> {
        let cause = Cause::UnknownOwner { tag: PoolTag::new(*b"Fooo"), pool: Pool::Nonpaged };
        let found = find_silence(silences, Some((IncidentId(7), &cause)), &hosts(names), now());
        found.map(|silence| silence.id.0)
    }

    #[test]
    fn an_incident_is_silent_only_where_each_of_its_hosts_is() {
        let silences = [silence(1, 4, named("fs-*")), silence(2, 2, named("db-*"))];
        assert_eq!(found(&silences, &["fs-01"]), Some(1));
        assert_eq!(found(&silences, &["fs-01", "web-1"]), None);
        assert_eq!(found(&silences, &["fs-01", "db-1"]), Some(2), "the first to end");
        assert_eq!(found(&silences, &[]), None);
        let mut later = silence(3, 4, named("fs-*"));
        later.from = now() + SignedDuration::from_secs(1);
        assert_eq!(found(&[later], &["fs-01"]), None, "a window that is to come");
        assert_eq!(found(&[silence(4, 0, named("fs-*"))], &["fs-01"]), None, "over");
    }

    #[test]
    fn all_that_a_silence_says_has_to_hold() {
        let of = |matcher| found(&[silence(1, 1, matcher)], &["fs-00"]);
        let tag = |tag| SilenceMatcher { tag: Some(PoolTag::new(tag)), ..Default::default() };
        assert_eq!(of(tag(*b"Fooo")), Some(1));
        assert_eq!(of(tag(*b"Barr")), None);
        assert_eq!(of(SilenceMatcher { host: Some(HostId(1)), ..tag(*b"Fooo") }), None);
        assert_eq!(of(SilenceMatcher { host: Some(HostId(0)), ..tag(*b"Fooo") }), Some(1));
        let incident = |id| SilenceMatcher { incident: Some(IncidentId(id)), ..Default::default() };
        assert_eq!((of(incident(7)), of(incident(8))), (Some(1), None));
    }

    #[test]
    fn rules_tell_of_incidents_from_their_thresholds_on() {
        use AlertRule::{HighUse, Leak, NewDriverVersion, RunsOutSoon, Spreads};
        let cause = Cause::UnknownOwner { tag: PoolTag::new(*b"Fooo"), pool: Pool::Nonpaged };
        let left = |likely_h: u64, most_h: Option<u64>| {
            Some(TimeLeft {
                pool: Pool::Nonpaged,
                likely_s: likely_h * 3600,
                least_s: likely_h * 3600,
                most_s: most_h.map(|hours| hours * 3600),
            })
        };
        let on = |rule, threshold, least_hosts| RuleSetting {
            is_on: true,
            threshold,
            least_hosts,
            ..RuleSetting::default_of(rule)
        };
        let files =
            RuleSetting { scope: RuleScope::from_typed("", "fs-*", "", None), ..on(Leak, 0, 2) };
        let (soon, sure, unsure) = (left(24, None), left(20, Some(40)), left(20, Some(90)));
        for (rules, names, left, is_new_version, expected) in [
            (vec![on(Leak, 0, 1)], vec!["a"], None, false, Telling::Now),
            (vec![on(Leak, 24, 1)], vec!["a"], soon, false, Telling::Now),
            (vec![on(Leak, 23, 1)], vec!["a"], soon, false, Telling::Later),
            (vec![on(Leak, 24, 1)], vec!["a"], None, false, Telling::Later),
            (vec![on(Leak, 0, 2)], vec!["a"], None, false, Telling::Later),
            (vec![on(HighUse, 0, 1)], vec!["a"], None, false, Telling::Never),
            (vec![on(RunsOutSoon, 24, 1)], vec!["a"], sure, false, Telling::Now),
            (vec![on(RunsOutSoon, 24, 1)], vec!["a"], unsure, false, Telling::Later),
            (vec![on(RunsOutSoon, 24, 1)], vec!["a"], None, false, Telling::Never),
            (vec![on(Leak, 0, 9), on(Spreads, 2, 1)], vec!["a", "b"], None, false, Telling::Now),
            (vec![on(NewDriverVersion, 0, 1)], vec!["a"], None, true, Telling::Now),
            (vec![on(NewDriverVersion, 0, 1)], vec!["a"], None, false, Telling::Never),
            (vec![files.clone()], vec!["fs-1", "a"], None, false, Telling::Later),
            (vec![files.clone()], vec!["fs-1", "fs-2"], None, false, Telling::Now),
            (vec![files], vec!["a"], None, false, Telling::Never),
            (vec![], vec!["a"], None, false, Telling::Never),
        ] {
            let hosts = hosts(&names);
            let verdict = Verdict::Leak;
            let incident =
                RuledIncident { cause: &cause, verdict, left, is_new_version, hosts: &hosts };
            let told = find_telling(&rules, &incident, IncidentChange::Opened);
            assert_eq!(told, expected, "{rules:?} {names:?} {left:?}");
            let over = find_telling(&rules, &incident, IncidentChange::Resolved);
            assert_ne!(over, Telling::Later, "what is over needs no thresholds");
        }
    }

    #[test]
    fn worse_is_more_hosts_twice_as_fast_or_a_pool_that_runs_out() {
        let extent = |per_day, hosts, is_urgent| IncidentExtent { per_day, hosts, is_urgent };
        let then = extent(100.0, 3, false);
        for (now, worse) in [
            (then, false),
            (extent(200.0, 3, false), false),
            (extent(201.0, 3, false), true),
            (extent(100.0, 4, false), true),
            (extent(10.0, 1, true), true),
            (extent(10.0, 1, false), false),
        ] {
            assert_eq!(is_worse(now, then), worse, "{now:?}");
        }
    }

    #[test]
    fn a_recipient_is_told_of_its_hosts_from_its_level_on() {
        let recipient = |group: &str, least| Recipient {
            id: None,
            kind: ChannelKind::Mail,
            name: "ops".into(),
            address: "ops@example.com".into(),
            scope: HostScope::from_typed(group, ""),
            least,
            per_hour: Recipient::PER_HOUR,
            digest: None,
            by: None,
        };
        let (berlin, paris) = ("Berlin", "Paris");
        for (group, least, wanted) in [
            ("", AlertLevel::Note, true),
            (berlin, AlertLevel::Warning, true),
            (berlin, AlertLevel::Critical, false),
            (paris, AlertLevel::Note, false),
            ("file servers", AlertLevel::Note, true),
        ] {
            let recipient = recipient(group, least);
            assert_eq!(is_wanted(&recipient, AlertLevel::Warning, &hosts(&["fs-01"])), wanted);
        }
    }
}
