//! What becomes of incidents, and what record they have.

use jiff::Timestamp;
use poolwatch_detection::{
    lifecycle::{IncidentLifecycle, IncidentUpdate, Observation, RecordHosts},
    record::{keep_suspects, make_record},
};
use poolwatch_model::{
    Bytes, HostId, Pool, PoolTag,
    diagnosis::{
        Diagnosis, NextStep, Suspect, SuspectKind, TagFinding, TagObservation, TimeLeft, Verdict,
    },
    incident::{IncidentChange, IncidentState},
};

const HOST: HostId = HostId(1);
const FOOO: PoolTag = PoolTag::new(*b"Fooo");

fn at_minute(minute: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + minute * 60).unwrap()
}

fn at(hour: i64) -> Timestamp {
    at_minute(hour * 60)
}

fn leak() -> Diagnosis {
    let tag = TagObservation {
        tag: FOOO,
        pool: Pool::Nonpaged,
        bytes: Bytes(1 << 30),
        outstanding: 1 << 20,
        finding: TagFinding::Leaks,
        bytes_per_day: Some(Bytes(100_000_000)),
    };
    Diagnosis {
        verdict: Verdict::Leak,
        pool: Some(Pool::Nonpaged),
        tags: vec![tag],
        ..Diagnosis::default()
    }
}

fn leak_that_lasts(likely_s: u64) -> Diagnosis {
    let left = TimeLeft { pool: Pool::Nonpaged, likely_s, least_s: likely_s, most_s: None };
    Diagnosis { time_left: Some(left), ..leak() }
}

fn exhausted() -> Diagnosis {
    Diagnosis { verdict: Verdict::Exhausted, ..leak() }
}

fn naming(name: &str, confidence: f32, diagnosis: Diagnosis) -> Diagnosis {
    let suspect = Suspect {
        kind: SuspectKind::Driver,
        name: Some(name.into()),
        confidence,
        tags: vec![FOOO],
        ..Suspect::default()
    };
    Diagnosis { suspects: vec![suspect], ..diagnosis }
}

fn found(diagnosis: &Diagnosis, uptime_h: u64) -> Observation<'_> {
    Observation::Found { diagnosis, uptime_s: uptime_h * 3600, news: None }
}

fn quiet_run(uptime_h: u64) -> Observation<'static> {
    Observation::NotFound { uptime_s: uptime_h * 3600 }
}

/// Lets findings of hosts come in, in this order and a minute apart. Returns what is told of them.
fn pass(found_on: &[(i32, &Diagnosis)]) -> (IncidentLifecycle, Vec<IncidentChange>) {
    let mut lifecycle = IncidentLifecycle::default();
    let mut told = Vec::new();
    for (minute, (host, diagnosis)) in found_on.iter().enumerate() {
        let at = at_minute(minute as i64);
        told.extend(lifecycle.observe(HostId(*host), at, found(diagnosis, 72)).change);
    }
    (lifecycle, told)
}

#[test]
fn the_record_is_of_the_worst_host_in_whatever_order_they_come() {
    let mild = leak_that_lasts(40 * 86_400);
    let soon = leak_that_lasts(30 * 86_400);
    let (named, empty) = (naming("foo.sys", 0.8, leak()), exhausted());
    let hosts: [(i32, &Diagnosis); 4] = [(1, &mild), (2, &empty), (3, &named), (4, &soon)];
    for turn in 0..hosts.len() {
        let mut order = hosts;
        order.rotate_left(turn);
        for order in [order, {
            order.reverse();
            order
        }] {
            let (lifecycle, _) = pass(&order);
            let record = lifecycle.record_hosts();
            assert_eq!(
                record,
                Some(RecordHosts { worst: HostId(2), named: HostId(3) }),
                "{order:?}"
            );
        }
    }
    let (lifecycle, _) = pass(&[(1, &mild), (4, &soon)]);
    assert_eq!(lifecycle.record_hosts().unwrap().worst, HostId(4), "the first that is full");
    let (lifecycle, _) = pass(&[(4, &mild), (1, &mild)]);
    assert_eq!(lifecycle.record_hosts().unwrap().worst, HostId(1));
}

#[test]
fn milder_look_alikes_change_nothing_of_what_is_exhausted_and_nobody_is_told_twice() {
    let (empty, mild) = (exhausted(), leak());
    let (mut lifecycle, told) = pass(&[(1, &empty), (2, &mild), (3, &mild), (1, &mild)]);
    assert_eq!(told, [IncidentChange::Opened]);
    assert_eq!(lifecycle.hosts[&HOST].verdict, Verdict::Exhausted, "minutes before");
    assert_eq!(lifecycle.observe(HOST, at_minute(5), found(&empty, 72)).change, None);
    let hour_later = lifecycle.observe(HOST, at_minute(66), found(&mild, 72));
    assert!(hour_later.counts, "an hour of milder findings is evidence");
    assert_eq!(lifecycle.hosts[&HOST].verdict, Verdict::Leak);
}

#[test]
fn a_leak_whose_pool_runs_out_is_told_once() {
    let (mild, empty) = (leak(), exhausted());
    let (_, told) = pass(&[(1, &mild), (1, &empty), (1, &mild), (1, &empty), (1, &empty)]);
    assert_eq!(told, [IncidentChange::Opened, IncidentChange::Worsened]);
}

#[test]
fn what_a_restart_or_a_return_cleared_no_longer_leads_the_record() {
    let (mild, empty) = (leak(), exhausted());
    for gone in [Observation::Restarted, Observation::GivenBack] {
        let (mut lifecycle, _) = pass(&[(1, &empty), (2, &mild)]);
        assert_eq!(lifecycle.record_hosts().unwrap().worst, HOST);
        lifecycle.observe(HOST, at(1), gone);
        assert_eq!(lifecycle.record_hosts().unwrap().worst, HostId(2), "{gone:?}");
    }
}

#[test]
fn who_was_named_with_evidence_is_not_lost_by_a_look_that_names_nobody() {
    let named = Diagnosis {
        next_steps: vec![NextStep::ReplaceDriver { driver: "foo.sys".into(), version: None }],
        ..naming("foo.sys", 0.8, leak())
    };
    let record = make_record(&exhausted(), &named);
    assert_eq!(record.verdict, Verdict::Exhausted);
    assert_eq!(record.suspects[0].name.as_deref(), Some("foo.sys"));
    assert_eq!(record.next_steps, named.next_steps, "what to do about whom is named");

    let mut hinted = naming("bar.exe", 0.3, leak());
    keep_suspects(&mut hinted, &named);
    let names: Vec<_> = hinted.suspects.iter().filter_map(|one| one.name.as_deref()).collect();
    assert_eq!(names, ["foo.sys", "bar.exe"]);
    let mut other = naming("bar.sys", 0.6, leak());
    keep_suspects(&mut other, &named);
    assert_eq!(other.suspects.len(), 1, "it names somebody by itself");
}

#[test]
fn what_is_remembered_is_read_as_it_was_written_and_nothing_else_is() {
    let (lifecycle, _) = pass(&[(1, &exhausted()), (2, &leak())]);
    let written = serde_json::to_string(&lifecycle).unwrap();
    assert_eq!(serde_json::from_str::<IncidentLifecycle>(&written).unwrap(), lifecycle);
    for broken in ["{}", "null", &written.replace("exhausted", "tired"), &written[1..]] {
        assert!(serde_json::from_str::<IncidentLifecycle>(broken).is_err(), "{broken}");
    }
}

#[test]
fn what_nobody_could_look_after_is_told_when_it_returns() {
    let mut lifecycle = IncidentLifecycle::default();
    lifecycle.observe(HOST, at(0), found(&leak(), 72));
    lifecycle.close(at(90 * 24));
    let update = lifecycle.observe(HOST, at(91 * 24), found(&leak(), 72));
    assert_eq!(update, IncidentUpdate { counts: true, change: Some(IncidentChange::Regressed) });
}

#[test]
fn a_better_name_and_a_first_event_are_told_unless_more_is() {
    let mut lifecycle = IncidentLifecycle::default();
    let mild = leak();
    let named =
        Observation::Found { diagnosis: &mild, uptime_s: 1, news: Some(IncidentChange::Named) };
    assert_eq!(lifecycle.observe(HOST, at(0), named).change, Some(IncidentChange::Opened));
    assert_eq!(lifecycle.observe(HOST, at(1), named).change, Some(IncidentChange::Named));
    assert_eq!(lifecycle.state, IncidentState::Growing);
}

#[test]
fn a_reboot_resolves_nothing_until_a_longer_run_shows_no_growth() {
    let mut lifecycle = IncidentLifecycle::default();
    assert_eq!(
        lifecycle.observe(HOST, at(0), found(&leak(), 72)).change,
        Some(IncidentChange::Opened)
    );
    assert_eq!(lifecycle.state, IncidentState::Growing);
    assert_eq!(lifecycle.observe(HOST, at(1), Observation::Restarted).change, None);
    assert_eq!(lifecycle.state, IncidentState::ResetByReboot);
    assert_eq!(lifecycle.observe(HOST, at(60), quiet_run(59)).change, None);
    assert_eq!(lifecycle.state, IncidentState::ResetByReboot, "the run that failed was longer");
    assert_eq!(
        lifecycle.observe(HOST, at(74), quiet_run(73)).change,
        Some(IncidentChange::Resolved)
    );
    assert_eq!(
        lifecycle.observe(HOST, at(90), found(&leak(), 89)).change,
        Some(IncidentChange::Regressed)
    );
    assert_eq!(lifecycle.state, IncidentState::Regressed);
}

#[test]
fn growth_after_a_reboot_goes_on_with_the_incident() {
    let mut lifecycle = IncidentLifecycle::default();
    lifecycle.observe(HOST, at(0), found(&leak(), 72));
    lifecycle.observe(HOST, at(1), Observation::Restarted);
    assert_eq!(lifecycle.observe(HOST, at(20), found(&leak(), 19)).change, None);
    assert_eq!(lifecycle.state, IncidentState::Growing);
}

#[test]
fn without_growth_it_is_quiet_and_what_comes_back_resolves_it() {
    let mut lifecycle = IncidentLifecycle::default();
    lifecycle.observe(HOST, at(0), found(&leak(), 72));
    assert_eq!(lifecycle.pass(at(25)), None);
    assert_eq!(lifecycle.state, IncidentState::Quiet);
    assert_eq!(
        lifecycle.observe(HOST, at(26), Observation::GivenBack).change,
        Some(IncidentChange::Resolved)
    );
    assert_eq!(lifecycle.pass(at(27)), None, "told once");
}

#[test]
fn what_somebody_closed_is_over_until_it_is_found_again() {
    let mut lifecycle = IncidentLifecycle::default();
    lifecycle.observe(HOST, at(0), found(&leak(), 72));
    lifecycle.close(at(1));
    assert_eq!((lifecycle.state, lifecycle.affected().count()), (IncidentState::Resolved, 0));
    assert_eq!(lifecycle.observe(HOST, at(2), quiet_run(74)).change, None);
    assert_eq!(
        lifecycle.observe(HOST, at(3), found(&leak(), 75)).change,
        Some(IncidentChange::Regressed)
    );
    assert_eq!(lifecycle.affected().count(), 1);
}

#[test]
fn more_hosts_a_faster_growth_and_a_near_end_are_worse_once() {
    let mut lifecycle = IncidentLifecycle::default();
    lifecycle.observe(HOST, at(0), found(&leak(), 72));
    assert_eq!(lifecycle.observe(HostId(2), at(1), found(&leak(), 72)).change, None);
    assert_eq!(
        lifecycle.observe(HostId(3), at(1), found(&leak(), 72)).change,
        Some(IncidentChange::Worsened)
    );
    assert_eq!(lifecycle.observe(HostId(4), at(1), found(&leak(), 72)).change, None);
    for host in 5..20 {
        assert_eq!(
            lifecycle.observe(HostId(host), at(1), found(&leak(), 72)).change,
            None,
            "told lately"
        );
    }
    let near_end = leak_that_lasts(3600);
    let soon = found(&near_end, 1);
    assert_eq!(lifecycle.observe(HOST, at(2), soon).change, Some(IncidentChange::Worsened));
    assert_eq!(lifecycle.observe(HOST, at(3), soon).change, None);
    assert_eq!(lifecycle.state, IncidentState::Worsening);
}

#[test]
fn old_incidents_take_no_new_findings() {
    let lifecycle = IncidentLifecycle { resolved: Some(at(0)), ..IncidentLifecycle::default() };
    assert!(lifecycle.takes(at(24)));
    assert!(!lifecycle.takes(at(24 * 100)));
}

#[test]
fn what_a_person_closed_is_opened_again_where_it_went_on() {
    let mut lifecycle = IncidentLifecycle::default();
    for host in [1, 2] {
        lifecycle.observe(HostId(host), at(0), found(&leak(), 10));
    }
    lifecycle.observe(HostId(2), at(1), Observation::GivenBack);
    lifecycle.close(at(2));
    assert_eq!((lifecycle.state, lifecycle.affected().count()), (IncidentState::Resolved, 0));
    lifecycle.reopen(at(3));
    let affected: Vec<HostId> = lifecycle.affected().map(|(host, _)| host).collect();
    assert_eq!((lifecycle.state, affected), (IncidentState::Open, vec![HostId(1)]));
    assert_eq!(
        lifecycle.observe(HostId(1), at(4), Observation::GivenBack).change,
        Some(IncidentChange::Resolved)
    );
    // Nobody closed it: it goes on everywhere.
    lifecycle.reopen(at(5));
    assert_eq!(lifecycle.affected().count(), 2);
}

#[test]
fn what_is_taken_in_keeps_the_worse_of_each_host() {
    let mut whole = IncidentLifecycle::default();
    whole.observe(HostId(1), at(0), found(&exhausted(), 10));
    whole.observe(HostId(2), at(0), found(&leak(), 10));
    let mut part = IncidentLifecycle::default();
    part.observe(HostId(1), at(1), found(&leak(), 10));
    part.observe(HostId(2), at(1), found(&exhausted(), 10));
    part.observe(HostId(3), at(1), found(&leak(), 10));
    whole.take_in(part);
    let verdicts: Vec<Verdict> = whole.affected().map(|(_, of)| of.verdict).collect();
    assert_eq!(verdicts, [Verdict::Exhausted, Verdict::Exhausted, Verdict::Leak]);
    assert!(whole.state.is_active());
}
