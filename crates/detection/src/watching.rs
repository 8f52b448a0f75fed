//! Rules about hosts and about the server itself: what each measures, and what becomes of that.
//!
//! A state machine without a clock, as that of incidents: it is told who reaches a rule's threshold
//! now, and answers with what people should be told. All hosts of a rule are one alert.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{
    HostId,
    alerting::{Alert, AlertHost, AlertId, AlertRule, RuleSetting},
};

/// What was reached is over once it was not reached for so long: what flaps is one alert.
const CLEAR_AFTER: SignedDuration = SignedDuration::from_mins(15);
/// More hosts are told again after this at the earliest.
const TOLD_AGAIN_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// Hosts of an alert that are named; the others are counted.
pub const NAMED_HOSTS: usize = 200;
/// A process with fewer handles is not followed.
const FOLLOWED_HANDLES: u32 = 1_000;
/// Handles are compared with those of at least so long ago.
const GROWTH_OVER: SignedDuration = SignedDuration::from_hours(1);
/// One more for every so many are growth.
const GROWTH_SHARE: u32 = 10;

/// What rules look at of one host.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct HostReading {
    /// The fuller pool, as a share of its limit.
    pub pool_share: Option<f64>,
    /// Commit as a share of its limit.
    pub commit_share: Option<f64>,
    /// Seconds since it was heard, where it should be.
    pub silent_s: Option<u64>,
    /// Seconds by which the newest that it sent is behind.
    pub late_s: Option<u64>,
    /// Handles of the process with the most, while they grow and a pool is under pressure.
    pub growing_handles: Option<u32>,
    /// Events 2017 and 2018 of the last hour, a count.
    pub limit_events: u32,
    /// Allocations from pool that its Server service could not make in the last hour.
    pub pool_failures: u64,
}

/// What rules look at of the server itself.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ServerReading {
    /// Its fullest disk, as a share.
    pub disk_share: Option<f64>,
    /// How long its database took to answer, milliseconds.
    pub database_ms: Option<u64>,
    /// How long the oldest message waits that should be out, seconds.
    pub message_s: Option<u64>,
    /// Hosts that are refused, capped or cannot be read, a count.
    pub odd_hosts: u64,
    /// Days until its certificate expires.
    pub certificate_days: Option<u64>,
}

fn percent(share: f64) -> u64 {
    (share.max(0.0) * 100.0) as u64
}

/// What a rule measures on a host, in the unit of its threshold.
#[must_use]
pub fn measure_host(rule: AlertRule, host: &HostReading) -> Option<u64> {
    match rule {
        AlertRule::LowHeadroom => host.pool_share.map(percent),
        AlertRule::LowCommit => host.commit_share.map(percent),
        AlertRule::ManyHandles => host.growing_handles.map(u64::from),
        AlertRule::PoolLimit => Some(host.limit_events.into()),
        AlertRule::PoolFailures => Some(host.pool_failures),
        AlertRule::HostSilent => host.silent_s.map(|seconds| seconds / 60),
        AlertRule::DataLate => host.late_s.map(|seconds| seconds / 60),
        _ => None,
    }
}

/// What a rule measures on the server itself, in the unit of its threshold.
#[must_use]
pub fn measure_server(rule: AlertRule, server: &ServerReading) -> Option<u64> {
    match rule {
        AlertRule::ServerDisk => server.disk_share.map(percent),
        AlertRule::ServerDatabase => server.database_ms,
        AlertRule::ServerBacklog => server.message_s.map(|seconds| seconds / 60),
        AlertRule::ServerHosts => Some(server.odd_hosts),
        AlertRule::ServerCertificate => server.certificate_days,
        _ => None,
    }
}

/// Whether handles grow: those of the process of each host that has the most, over an hour or two.
#[derive(Debug, Default)]
pub struct HandleGrowth(HashMap<HostId, FollowedProcess>);

#[derive(Debug, Clone, Copy)]
struct FollowedProcess {
    pid: u32,
    /// What it had, and when: the one before, and the one that takes its place in an hour.
    earlier: (Timestamp, u32),
    later: (Timestamp, u32),
}

impl HandleGrowth {
    /// Notes the process with the most handles of a host. Returns whether its handles grew by a tenth
    /// within the last hour or two.
    pub fn note(&mut self, host: HostId, pid: u32, handles: u32, now: Timestamp) -> bool {
        if handles < FOLLOWED_HANDLES {
            self.0.remove(&host);
            return false;
        }
        let new = FollowedProcess { pid, earlier: (now, handles), later: (now, handles) };
        let followed = self.0.entry(host).or_insert(new);
        if followed.pid != pid {
            *followed = new;
        }
        if now.duration_since(followed.later.0) >= GROWTH_OVER {
            followed.earlier = followed.later;
            followed.later = (now, handles);
        }
        let (since, before) = followed.earlier;
        now.duration_since(since) >= GROWTH_OVER
            && handles.saturating_sub(before) >= before / GROWTH_SHARE
    }

    /// Forgets hosts that are gone.
    pub fn keep(&mut self, is_there: impl Fn(HostId) -> bool) {
        self.0.retain(|host, _| is_there(*host));
    }
}

/// How long a host reaches a threshold.
#[derive(Debug, Clone, Copy)]
struct Reached {
    since: Timestamp,
    seen: Timestamp,
    value: u64,
    /// Whether it went on for as long as the rule asks for.
    counts: bool,
}

/// The alert of a rule that goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OngoingAlert {
    /// Its number.
    pub id: AlertId,
    /// Hosts when people were told last.
    pub told_count: u32,
    /// When that was.
    pub told: Timestamp,
}

#[derive(Debug, Default)]
struct RuleWatch {
    hosts: BTreeMap<HostId, Reached>,
    ongoing: Option<OngoingAlert>,
}

/// What becomes of a rule's alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertStep {
    /// It begins: people are told.
    Open,
    /// It is on many more hosts: people are told.
    Worsen(AlertId),
    /// Something of it is otherwise.
    Keep(AlertId),
    /// It is over; whether people are told. They are not where it became an incident.
    End(AlertId, bool),
}

/// What all rules about hosts and the server found.
#[derive(Debug, Default)]
pub struct AlertWatch(HashMap<String, RuleWatch>);

impl AlertWatch {
    /// Takes an alert that was going on when the server stopped.
    pub fn restore(&mut self, alert: &Alert, now: Timestamp) {
        let reached = |host: &AlertHost| {
            let reached = Reached { since: host.since, seen: now, value: host.value, counts: true };
            (host.host, reached)
        };
        let ongoing = OngoingAlert { id: alert.id, told_count: alert.told_count, told: alert.told };
        let watch =
            RuleWatch { hosts: alert.hosts.iter().map(reached).collect(), ongoing: Some(ongoing) };
        self.0.insert(alert.rule.clone(), watch);
    }

    /// Takes in who reaches the threshold of a rule now, and with which value. Who is in `taken` is
    /// told of by an incident, and no more by this.
    pub fn observe(
        &mut self,
        rule: &RuleSetting,
        reached: &[(HostId, u64)],
        taken: &BTreeSet<HostId>,
        now: Timestamp,
    ) -> Option<AlertStep> {
        if reached.is_empty() && !self.0.contains_key(&rule.name) {
            return None;
        }
        let watch = self.0.entry(rule.name.clone()).or_default();
        let lasts = SignedDuration::from_mins(rule.minutes.into());
        let before = watch.hosts.len();
        let was_taken = watch.hosts.keys().any(|host| taken.contains(host));
        let mut is_changed = false;
        for (host, value) in reached.iter().filter(|(host, _)| !taken.contains(host)) {
            let new = Reached { since: now, seen: now, value: *value, counts: false };
            let of_host = watch.hosts.entry(*host).or_insert(new);
            is_changed |= of_host.value != *value;
            (of_host.seen, of_host.value) = (now, *value);
            if !of_host.counts && now.duration_since(of_host.since) >= lasts {
                of_host.counts = true;
                is_changed = true;
            }
        }
        watch.hosts.retain(|host, of_host| {
            let waits = if of_host.counts { CLEAR_AFTER } else { SignedDuration::ZERO };
            !taken.contains(host) && now.duration_since(of_host.seen) <= waits
        });
        is_changed |= watch.hosts.len() != before;
        let count = watch.hosts.values().filter(|of_host| of_host.counts).count() as u32;
        match watch.ongoing {
            None if count >= rule.least_hosts.max(1) => Some(AlertStep::Open),
            None => None,
            Some(ongoing) if count == 0 => Some(AlertStep::End(ongoing.id, !was_taken)),
            Some(ongoing) => {
                let told = ongoing.told_count;
                let is_worse = count >= told.saturating_mul(2) && count >= told + 3;
                let is_due = now.duration_since(ongoing.told) >= TOLD_AGAIN_AFTER;
                match is_worse && is_due {
                    true => Some(AlertStep::Worsen(ongoing.id)),
                    false => is_changed.then_some(AlertStep::Keep(ongoing.id)),
                }
            }
        }
    }

    /// The hosts on which what a rule tells of goes on, the worst first, and how many there are.
    #[must_use]
    pub fn hosts(&self, rule: &RuleSetting) -> (Vec<AlertHost>, u32) {
        let Some(watch) = self.0.get(&rule.name) else { return (Vec::new(), 0) };
        let counting = watch.hosts.iter().filter(|(_, of_host)| of_host.counts);
        let host = |(host, of_host): (&HostId, &Reached)| AlertHost {
            host: *host,
            since: of_host.since,
            value: of_host.value,
        };
        let mut hosts: Vec<AlertHost> = counting.map(host).collect();
        let count = hosts.len() as u32;
        match rule.rule.counts_down() {
            true => hosts.sort_by_key(|host| (host.value, host.host)),
            false => hosts.sort_by_key(|host| (std::cmp::Reverse(host.value), host.host)),
        }
        hosts.truncate(NAMED_HOSTS);
        (hosts, count)
    }

    /// Notes that a step of a rule's alert was kept: what goes on, or nothing.
    pub fn note(&mut self, rule: &str, ongoing: Option<OngoingAlert>) {
        match (self.0.get_mut(rule), ongoing) {
            (Some(watch), Some(_)) => watch.ongoing = ongoing,
            (Some(_), None) => {
                self.0.remove(rule);
            }
            (None, _) => {}
        }
    }

    /// The alerts of rules that are not among these any more.
    #[must_use]
    pub fn find_orphans(&self, rules: &[RuleSetting]) -> Vec<(String, Option<AlertId>)> {
        let is_other = |name: &&String| !rules.iter().any(|rule| rule.is_on && rule.name == **name);
        let id = |name: &String| self.0[name].ongoing.map(|ongoing| ongoing.id);
        self.0.keys().filter(is_other).map(|name| (name.clone(), id(name))).collect()
    }
}

/// How often a rule would have told of something: `hours` says on how many hosts its threshold was
/// reached in each hour of a past, by the hour's number; hours in a row are one alert.
#[must_use]
pub fn count_past_alerts(hours: &BTreeMap<i64, BTreeSet<HostId>>, least_hosts: u32) -> u64 {
    let mut last = None;
    let mut count = 0;
    for (hour, _) in hours.iter().filter(|(_, hosts)| hosts.len() >= least_hosts.max(1) as usize) {
        if last.is_none_or(|last: i64| hour - last > 1) {
            count += 1;
        }
        last = Some(*hour);
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_in_a_row_are_one_alert_of_the_past() {
        let hours = |hours: &[(i64, i32)]| {
            let mut by_hour: BTreeMap<i64, BTreeSet<HostId>> = BTreeMap::new();
            for (hour, host) in hours {
                by_hour.entry(*hour).or_default().insert(HostId(*host));
            }
            by_hour
        };
        let past = hours(&[(5, 1), (6, 1), (6, 2), (7, 2), (9, 1), (20, 1), (20, 2), (20, 2)]);
        assert_eq!([1, 2, 3].map(|least| count_past_alerts(&past, least)), [3, 2, 0]);
        assert_eq!(count_past_alerts(&hours(&[]), 0), 0);
    }

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minutes * 60).unwrap()
    }

    fn rule(minutes: u32, least_hosts: u32) -> RuleSetting {
        RuleSetting { minutes, least_hosts, ..RuleSetting::default_of(AlertRule::LowHeadroom) }
    }

    fn nobody() -> BTreeSet<HostId> {
        BTreeSet::new()
    }

    fn some(hosts: impl IntoIterator<Item = i32>) -> Vec<(HostId, u64)> {
        hosts.into_iter().map(|host| (HostId(host), 95)).collect()
    }

    fn begun(watch: &mut AlertWatch, rule: &RuleSetting, hosts: u32, now: Timestamp) {
        let ongoing = OngoingAlert { id: AlertId(7), told_count: hosts, told: now };
        watch.note(&rule.name, Some(ongoing));
    }

    #[test]
    fn what_goes_on_long_enough_is_told_once_and_so_is_its_end() {
        let (mut watch, rule) = (AlertWatch::default(), rule(15, 1));
        let one = some([1]);
        assert_eq!(watch.observe(&rule, &one, &nobody(), at(0)), None);
        assert_eq!(watch.observe(&rule, &one, &nobody(), at(14)), None);
        assert_eq!(watch.observe(&rule, &one, &nobody(), at(15)), Some(AlertStep::Open));
        assert_eq!(watch.observe(&rule, &one, &nobody(), at(15)), Some(AlertStep::Open), "kept?");
        begun(&mut watch, &rule, 1, at(15));
        assert_eq!(watch.observe(&rule, &one, &nobody(), at(16)), None);
        assert_eq!(watch.observe(&rule, &[], &nobody(), at(31)), None, "it may flap");
        let end = Some(AlertStep::End(AlertId(7), true));
        assert_eq!(watch.observe(&rule, &[], &nobody(), at(32)), end);
        watch.note(&rule.name, None);
        assert_eq!(watch.observe(&rule, &[], &nobody(), at(33)), None);
    }

    #[test]
    fn what_is_reached_now_and_then_does_not_go_on() {
        let (mut watch, rule) = (AlertWatch::default(), rule(15, 1));
        for minute in 0..100 {
            let reached = if minute % 3 == 0 { some([1]) } else { vec![] };
            assert_eq!(watch.observe(&rule, &reached, &nobody(), at(minute)), None);
        }
    }

    #[test]
    fn what_flaps_is_one_alert() {
        let (mut watch, rule) = (AlertWatch::default(), rule(0, 1));
        assert_eq!(watch.observe(&rule, &some([1]), &nobody(), at(0)), Some(AlertStep::Open));
        begun(&mut watch, &rule, 1, at(0));
        for minute in 1..600 {
            let reached = if minute % 10 == 0 { some([1]) } else { vec![] };
            assert_eq!(watch.observe(&rule, &reached, &nobody(), at(minute)), None, "{minute}");
        }
    }

    #[test]
    fn twice_as_many_hosts_are_told_again_after_an_hour() {
        let (mut watch, rule) = (AlertWatch::default(), rule(0, 3));
        assert_eq!(watch.observe(&rule, &some(1..3), &nobody(), at(0)), None, "too few");
        assert_eq!(watch.observe(&rule, &some(1..4), &nobody(), at(1)), Some(AlertStep::Open));
        begun(&mut watch, &rule, 3, at(1));
        let keep = Some(AlertStep::Keep(AlertId(7)));
        assert_eq!(watch.observe(&rule, &some(1..6), &nobody(), at(62)), keep);
        assert_eq!(watch.observe(&rule, &some(1..8), &nobody(), at(60)), keep, "too early");
        let worse = Some(AlertStep::Worsen(AlertId(7)));
        assert_eq!(watch.observe(&rule, &some(1..8), &nobody(), at(63)), worse);
        assert_eq!(watch.hosts(&rule).1, 7);
    }

    #[test]
    fn what_becomes_an_incident_ends_without_a_word() {
        let (mut watch, rule) = (AlertWatch::default(), rule(0, 1));
        watch.observe(&rule, &some([1]), &nobody(), at(0));
        begun(&mut watch, &rule, 1, at(0));
        let taken = BTreeSet::from([HostId(1)]);
        let end = Some(AlertStep::End(AlertId(7), false));
        assert_eq!(watch.observe(&rule, &some([1]), &taken, at(1)), end);
    }

    #[test]
    fn an_alert_goes_on_after_a_restart_and_goes_with_its_rule() {
        let (mut watch, rule) = (AlertWatch::default(), rule(15, 1));
        let host = AlertHost { host: HostId(1), since: at(0), value: 95 };
        let alert = Alert {
            id: AlertId(7),
            rule: rule.name.clone(),
            opened: at(0),
            ended: None,
            hosts: vec![host],
            host_count: 1,
            told_count: 1,
            told: at(0),
        };
        watch.restore(&alert, at(20));
        assert_eq!(watch.observe(&rule, &some([1]), &nobody(), at(21)), None);
        let end = Some(AlertStep::End(AlertId(7), true));
        assert_eq!(watch.observe(&rule, &[], &nobody(), at(37)), end);
        assert_eq!(watch.find_orphans(std::slice::from_ref(&rule)), []);
        let off = RuleSetting { is_on: false, ..rule };
        assert_eq!(watch.find_orphans(&[off]), [("low-headroom".into(), Some(AlertId(7)))]);
    }

    #[test]
    fn handles_grow_by_a_tenth_within_two_hours_and_in_one_process() {
        let mut growth = HandleGrowth::default();
        let host = HostId(1);
        for (minute, pid, handles, grows) in [
            (0, 4, 6_000, false),
            (30, 4, 7_000, false),
            (60, 4, 6_599, false),
            (61, 4, 6_600, true),
            (90, 4, 7_300, true),
            (120, 4, 7_300, true),
            (190, 4, 7_300, false),
            (191, 8, 9_000, false),
            (250, 8, 99_000, false),
            (251, 8, 99_000, true),
            (252, 8, 999, false),
        ] {
            assert_eq!(growth.note(host, pid, handles, at(minute)), grows, "{minute}");
        }
        growth.keep(|_| false);
        assert!(growth.0.is_empty());
    }

    #[test]
    fn a_hundred_rules_over_a_hundred_thousand_hosts_cost_little() {
        let calm = HostReading {
            pool_share: Some(0.2),
            commit_share: Some(0.5),
            silent_s: Some(30),
            ..HostReading::default()
        };
        let hosts = vec![calm; 100_000];
        let kinds = [AlertRule::LowHeadroom, AlertRule::LowCommit, AlertRule::HostSilent];
        let rules: Vec<RuleSetting> = (0..100)
            .map(|number| RuleSetting {
                name: format!("rule-{number}"),
                ..RuleSetting::default_of(kinds[number % kinds.len()])
            })
            .collect();
        let mut watch = AlertWatch::default();
        let begun = std::time::Instant::now();
        for rule in &rules {
            let reached: Vec<(HostId, u64)> = hosts
                .iter()
                .enumerate()
                .filter_map(|(host, reading)| {
                    let value = measure_host(rule.rule, reading)?;
                    rule.is_reached(value).then_some((HostId(host as i32), value))
                })
                .collect();
            assert_eq!(watch.observe(rule, &reached, &nobody(), at(0)), None);
        }
        let took = begun.elapsed();
        println!("100 rules over 100,000 hosts: {took:?}");
        // A tenth of a core of the 30 s between two looks.
        assert!(took.as_secs_f64() < 3.0, "{took:?}");
    }
}
