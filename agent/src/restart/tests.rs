//! Ten thousand incidents, each a host over some hours with services of all kinds, gaps, restarts and
//! clocks that jump. Who was restarted wrongly is told by what the host really was, not by what the
//! agent took it for.

use jiff::SignedDuration;
use poolwatch_model::{Bytes, memory::Memory, process::ProcessUse};
use proptest::{collection::vec, prelude::*, strategy::ValueTree, test_runner::TestRunner};

use super::*;

/// Seconds between two snapshots.
const STEP_S: u64 = 60;

/// What a service really is.
#[derive(Debug, Clone)]
struct Subject {
    name: String,
    image: &'static str,
    is_listed: bool,
    shares_process: bool,
    facts: ServiceFacts,
    /// Handles at the start and gained a step; it holds few when 0.
    handles: (u32, u32),
    /// The step at which its process ends and another takes its place, if any.
    replaced_at: Option<usize>,
    /// Whether a restart gives pool back.
    leaks_pool: bool,
}

fn any_fact() -> impl Strategy<Value = Option<bool>> {
    prop_oneof![6 => Just(Some(false)), 1 => Just(Some(true)), 1 => Just(None)]
}

fn any_positive() -> impl Strategy<Value = Option<bool>> {
    any_fact().prop_map(|fact| fact.map(|fact| !fact))
}

fn any_facts() -> impl Strategy<Value = ServiceFacts> {
    (any_positive(), any_positive(), any_fact(), any_fact(), any_fact(), any_fact()).prop_map(
        |(
            has_own_process,
            accepts_stop,
            has_running_dependents,
            is_critical,
            is_protected,
            cluster,
        )| {
            ServiceFacts {
                pid: None,
                has_own_process,
                accepts_stop,
                has_running_dependents,
                is_critical,
                is_protected,
                is_in_cluster: cluster,
            }
        },
    )
}

fn any_subject(number: usize) -> impl Strategy<Value = Subject> {
    (
        prop::sample::select(vec![
            "badapp.exe",
            "badapp.exe",
            "svchost.exe",
            "lsass.exe",
            "csrss.exe",
        ]),
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.15),
        any_facts(),
        (0..120_000_u32, 0..2_000_u32),
        prop::option::weighted(0.3, 0..240_usize),
        prop::bool::weighted(0.8),
    )
        .prop_map(
            move |(image, is_listed, shares_process, facts, handles, replaced_at, leaks_pool)| {
                let name = format!("Service{number}");
                Subject {
                    name,
                    image,
                    is_listed,
                    shares_process,
                    facts,
                    handles,
                    replaced_at,
                    leaks_pool,
                }
            },
        )
}

#[derive(Debug, Clone)]
struct Incident {
    subjects: Vec<Subject>,
    /// Steps of which the agent has no snapshot.
    missed: Vec<bool>,
    /// Seconds by which the wall clock jumps at a step.
    jumps: Vec<i64>,
    after_min: u64,
    period_h: u64,
}

fn any_incident() -> impl Strategy<Value = Incident> {
    let subjects =
        (any_subject(0), any_subject(1), any_subject(2)).prop_map(|(a, b, c)| vec![a, b, c]);
    let missed = vec(prop::bool::weighted(0.02), 240);
    let jumps = vec(prop_oneof![30 => Just(0_i64), 1 => Just(-7200_i64), 1 => Just(3600_i64)], 240);
    (subjects, missed, jumps, 5..90_u64, 1..4_u64).prop_map(
        |(subjects, missed, jumps, after_min, period_h)| Incident {
            subjects,
            missed,
            jumps,
            after_min,
            period_h,
        },
    )
}

/// A process of a subject as it really is.
#[derive(Debug, Clone, Copy)]
struct Life {
    pid: u32,
    born_step: usize,
}

/// Plays an incident, and tells the restarts that were made and those that were wrong.
fn play(incident: &Incident) -> (usize, Vec<String>) {
    let rules = RestartRules {
        services: incident
            .subjects
            .iter()
            .filter(|s| s.is_listed)
            .map(|s| s.name.clone())
            .collect(),
        handles: 100_000,
        quota_percent: 50,
        after: Duration::from_secs(60 * incident.after_min),
        period: Duration::from_secs(3600 * incident.period_h),
    };
    let mut lives: Vec<Life> = (0..incident.subjects.len() as u32)
        .map(|number| Life { pid: 1000 + number * 4, born_step: 0 })
        .collect();
    let mut next_pid = 2000;
    let mut wall: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
    let (mut watch, mut record) = (LeakWatch::default(), RestartRecord::default());
    let (mut made, mut wrong) = (0, Vec::new());
    let mut pool: u64 = 4 << 30;
    // What really happened: when any service was restarted, and which in vain.
    let mut last_restart: Option<usize> = None;
    let mut in_vain: Vec<String> = Vec::new();
    let mut concludes: Option<(usize, bool)> = None;
    for step in 0..incident.missed.len() {
        wall += SignedDuration::from_secs(STEP_S as i64 + incident.jumps[step]);
        for (number, subject) in incident.subjects.iter().enumerate() {
            if subject.replaced_at == Some(step) {
                lives[number] = Life { pid: next_pid, born_step: step };
                next_pid += 4;
            }
        }
        // A process never gives back what it leaks.
        let handles = |number: usize, lives: &[Life], at: usize| {
            let (first, gained) = incident.subjects[number].handles;
            first / 2 + gained * (at - lives[number].born_step) as u32
        };
        if incident.missed[step] {
            continue;
        }
        let processes = incident.subjects.iter().enumerate().map(|(number, subject)| {
            let mut process = ProcessUse::new(lives[number].pid, None, subject.image);
            process.services = vec![subject.name.clone()];
            if subject.shares_process {
                process.services.push("Another".to_owned());
            }
            process.handles = Some(handles(number, &lives, step));
            process
        });
        let snapshot = Snapshot {
            processes: Some(processes.collect()),
            memory: Memory {
                paged: Some(Bytes(pool / 2)),
                nonpaged: Some(Bytes(pool / 2)),
                ..Memory::default()
            },
            ..Snapshot::default()
        };
        let monotonic = Duration::from_secs(step as u64 * STEP_S);
        let now = Clocks { wall, monotonic };
        if let Some((at, has_helped)) = concludes
            && step >= at
        {
            record.conclude(has_helped);
            concludes = None;
        }
        let place = |leaker: &Leaker| {
            incident.subjects.iter().position(|s| s.name == leaker.service).unwrap()
        };
        let is_permitted = |leaker: &Leaker| {
            let number = place(leaker);
            let facts = incident.subjects[number].facts;
            let facts = ServiceFacts { pid: Some(lives[number].pid), ..facts };
            permit(&rules, leaker, &facts, &record, now).is_ok()
        };
        let leakers = watch.observe(&rules, monotonic, &snapshot);
        let Some(leaker) = leakers.into_iter().find(is_permitted) else { continue };
        let number = place(&leaker);
        let subject = &incident.subjects[number];
        made += 1;
        let facts = &subject.facts;
        let may = subject.is_listed
            && !subject.shares_process
            && !["lsass.exe", "csrss.exe"].contains(&subject.image)
            && facts.has_own_process == Some(true)
            && facts.accepts_stop == Some(true)
            && facts.has_running_dependents == Some(false)
            && facts.is_critical == Some(false)
            && facts.is_protected == Some(false)
            && facts.is_in_cluster == Some(false);
        let since = step.checked_sub(incident.after_min as usize);
        let held = since.is_some_and(|since| {
            since >= lives[number].born_step && handles(number, &lives, since) >= rules.handles
        });
        let spaced = last_restart
            .is_none_or(|last| (step - last) as u64 * STEP_S >= incident.period_h * 3600);
        if !(may && held && spaced) || in_vain.contains(&subject.name) {
            wrong.push(format!("step {step}: {leaker:?} {subject:?}"));
        }
        record.begin(&leaker.service, leaker.pool_bytes, now);
        last_restart = Some(step);
        lives[number] = Life { pid: next_pid, born_step: step };
        next_pid += 4;
        if subject.leaks_pool {
            pool = pool / 2 + (1 << 30);
        } else {
            in_vain.push(subject.name.clone());
        }
        concludes = Some((step + 10, subject.leaks_pool));
    }
    (made, wrong)
}

#[test]
fn of_ten_thousand_incidents_no_restart_is_wrong() {
    let mut runner = TestRunner::deterministic();
    let strategy = any_incident();
    let (mut made, mut restarted) = (0, 0);
    for _ in 0..10_000 {
        let incident = strategy.new_tree(&mut runner).unwrap().current();
        let (here, wrong) = play(&incident);
        assert_eq!(wrong, [""; 0], "{incident:?}");
        made += here;
        restarted += usize::from(here > 0);
    }
    println!("{made} restarts in {restarted} of 10,000 incidents, none of them wrong");
    assert!(restarted > 500, "the rule acts where it may: {restarted}");
}

fn rules() -> RestartRules {
    RestartRules {
        services: ["BadApp".to_owned()].into(),
        handles: 100_000,
        quota_percent: 50,
        after: Duration::from_secs(3600),
        period: Duration::from_secs(86_400),
    }
}

fn snapshot(handles: u32, quota_mb: u64) -> Snapshot {
    let mut process = ProcessUse::new(416, None, "badapp.exe");
    process.services = vec!["badapp".to_owned()];
    process.handles = Some(handles);
    process.nonpaged_quota = Some(quota_mb << 20);
    Snapshot {
        processes: Some(vec![process]),
        memory: Memory {
            paged: Some(Bytes(500 << 20)),
            nonpaged: Some(Bytes(500 << 20)),
            ..Memory::default()
        },
        ..Snapshot::default()
    }
}

/// Whom the watch names after so many minutes of a snapshot a minute.
fn named_after(minutes: u64, snapshot: impl Fn(u64) -> Option<Snapshot>) -> Option<Leaker> {
    let mut watch = LeakWatch::default();
    let mut named = Vec::new();
    for minute in 0..=minutes {
        if let Some(snapshot) = snapshot(minute) {
            named = watch.observe(&rules(), Duration::from_secs(60 * minute), &snapshot);
        }
    }
    named.into_iter().next()
}

#[test]
fn handles_and_quota_are_judged_over_the_whole_time() {
    assert_eq!(named_after(59, |_| Some(snapshot(100_000, 0))), None);
    let named = named_after(60, |_| Some(snapshot(100_000, 0))).unwrap();
    assert_eq!((named.service.as_str(), named.process.pid), ("BadApp", 416));
    assert!(named_after(60, |_| Some(snapshot(10, 499))).is_none());
    assert_eq!(named_after(60, |_| Some(snapshot(10, 500))).unwrap().quota_percent, 50);
    // Once below is enough, and so is a gap.
    let dips = |minute| Some(snapshot(if minute == 30 { 99_999 } else { 100_000 }, 0));
    assert_eq!(named_after(60, dips), None);
    let gap = |minute| (!(20..27).contains(&minute)).then(|| snapshot(100_000, 0));
    assert_eq!(named_after(60, gap), None);
    assert!(named_after(87, gap).is_some());
}

fn leaker() -> Leaker {
    named_after(60, |_| Some(snapshot(120_000, 0))).unwrap()
}

const GOOD: ServiceFacts = ServiceFacts {
    pid: Some(416),
    has_own_process: Some(true),
    accepts_stop: Some(true),
    has_running_dependents: Some(false),
    is_critical: Some(false),
    is_protected: Some(false),
    is_in_cluster: Some(false),
};

#[test]
fn each_thing_alone_speaks_against_a_restart_and_so_does_not_knowing_it() {
    let now = Clocks { wall: Timestamp::UNIX_EPOCH, monotonic: Duration::from_secs(3600) };
    let check = |leaker: &Leaker, facts: &ServiceFacts| {
        permit(&rules(), leaker, facts, &RestartRecord::default(), now)
    };
    let good = leaker();
    assert_eq!(check(&good, &GOOD), Ok(()));
    for (facts, refusal) in [
        (ServiceFacts { pid: None, ..GOOD }, Refusal::MovedOn),
        (ServiceFacts { pid: Some(420), ..GOOD }, Refusal::MovedOn),
        (ServiceFacts { has_own_process: None, ..GOOD }, Refusal::SharedProcess),
        (ServiceFacts { accepts_stop: None, ..GOOD }, Refusal::CannotStop),
        (ServiceFacts { has_running_dependents: None, ..GOOD }, Refusal::HasDependents),
        (ServiceFacts { is_critical: None, ..GOOD }, Refusal::Critical),
        (ServiceFacts { is_protected: None, ..GOOD }, Refusal::Protected),
        (ServiceFacts { is_in_cluster: None, ..GOOD }, Refusal::InCluster),
        (ServiceFacts::default(), Refusal::SharedProcess),
    ] {
        assert_eq!(check(&good, &facts), Err(refusal));
    }
    let image = |image: &str| Leaker { image: image.to_owned(), ..good.clone() };
    for never in ["LSASS.EXE", "services.exe", "System", ""] {
        assert_eq!(check(&image(never), &GOOD), Err(Refusal::PartOfWindows), "{never}");
    }
    let two = Leaker { housemates: 2, ..good.clone() };
    assert_eq!(check(&two, &GOOD), Err(Refusal::SharedProcess));
    let other = Leaker { service: "Other".to_owned(), ..good };
    assert_eq!(check(&other, &GOOD), Err(Refusal::NotListed));
}
