//! Who holds what grows, where no program's handles tell it.

use jiff::SignedDuration;
use poolwatch_analysis::{
    confidence::named_suspect,
    diagnose_case,
    release::{self, Effect},
};
use poolwatch_model::{
    Pool,
    comparison::{Attribute, Change, ChangeKind},
    diagnosis::{Evidence, NextStep, SuspectKind, Verdict},
    history::ObjectTypeSeries,
    incident::Cause,
    process::ProcessHandles,
};

use crate::story::{DAY, MB, Story, tag};

/// Objects gained since the fourth day, when a megabyte of 128 bytes each comes every hour.
const fn gained(hour: u64) -> u64 {
    hour.saturating_sub(96) * MB / 128
}

fn events_that_grow() -> Story {
    let mut story = Story::new(10 * DAY);
    story.tag(b"Even", Pool::Nonpaged, 128, |hour| 20 * MB + gained(hour) * 128);
    story
}

fn of_type(
    story: &Story,
    objects: impl Fn(u64) -> u64,
    handles: impl Fn(u64) -> u64,
) -> ObjectTypeSeries {
    let (objects, handles) = (story.by_slot(objects), story.by_slot(handles));
    ObjectTypeSeries { name: "Event".into(), objects, handles }
}

#[test]
fn handles_of_the_kernels_own_process_are_told_as_a_drivers() {
    let mut story = events_that_grow();
    story.process(4, "System", |hour| 3000 + gained(hour));
    story.process(900, "other.exe", |hour| 2000 + hour % 24);
    let diagnosis = diagnose_case(&story.case);
    assert_eq!(diagnosis.verdict, Verdict::Leak);
    let suspect = &diagnosis.suspects[0];
    assert_eq!((suspect.kind, suspect.name.as_deref()), (SuspectKind::Unknown, None));
    let told = |fact: &Evidence| matches!(fact, Evidence::HeldByKernel { grown, .. } if *grown > 1_000_000);
    assert!(suspect.evidence.iter().any(told), "{suspect:?}");
}

/// What the kernel listed of a process that holds so many handles to events.
fn listed(story: &Story, pid: u32, events: u32) -> ProcessHandles {
    let key = story.case.processes.iter().find(|one| one.key.pid == pid);
    let key = key.expect("it runs").key;
    ProcessHandles { key, by_type: [("Event".to_owned(), events), ("Key".to_owned(), 40)].into() }
}

#[test]
fn a_process_whose_handles_lead_to_the_objects_is_named_with_that_fact() {
    let mut story = events_that_grow();
    story.process(900, "leaky.exe", |hour| 2000 + gained(hour));
    let before = named_suspect(&diagnose_case(&story.case)).unwrap().confidence;
    story.case.handles_by_type = vec![listed(&story, 900, 1_900_000)];
    let diagnosis = diagnose_case(&story.case);
    let suspect = named_suspect(&diagnosis).unwrap();
    assert_eq!(suspect.name.as_deref(), Some("leaky.exe"));
    assert!(suspect.confidence >= before);
    let told = |fact: &Evidence| {
        matches!(fact, Evidence::HandlesOfType { pid: 900, object_type, handles: 1_900_000, .. }
            if object_type == "Event")
    };
    assert!(suspect.evidence.iter().any(told), "{suspect:?}");
}

#[test]
fn a_process_whose_handles_lead_elsewhere_is_not_named_for_growing_along() {
    let mut story = events_that_grow();
    story.process(900, "innocent.exe", |hour| 2000 + gained(hour));
    assert!(named_suspect(&diagnose_case(&story.case)).is_some());
    story.case.handles_by_type = vec![listed(&story, 900, 300)];
    let diagnosis = diagnose_case(&story.case);
    assert!(named_suspect(&diagnosis).is_none(), "{:?}", diagnosis.suspects);
}

#[test]
fn handles_that_come_to_all_programs_point_to_what_is_loaded_into_them() {
    let mut story = events_that_grow();
    for pid in 0..20 {
        story.process(1000 + pid, &format!("app{pid}.exe"), |hour| 500 + gained(hour) / 20);
    }
    let diagnosis = diagnose_case(&story.case);
    assert!(named_suspect(&diagnosis).is_none(), "{diagnosis:?}");
    let told = |fact: &Evidence| {
        matches!(fact, Evidence::HandlesSpread { programs: 20, handles, most, .. }
            if *handles > 1_000_000 && *most < 70_000)
    };
    assert!(diagnosis.suspects[0].evidence.iter().any(told), "{:?}", diagnosis.suspects);
}

#[test]
fn the_kernels_count_of_a_type_shows_references_without_the_list_of_processes() {
    let mut story = events_that_grow();
    story.case.all_processes = false;
    story.process(900, "other.exe", |hour| 2000 + hour % 24);
    assert_ne!(diagnose_case(&story.case).suspects[0].kind, SuspectKind::KernelReference);
    story.case.object_types = vec![of_type(&story, |hour| 160_000 + gained(hour), |_| 150_000)];
    let diagnosis = diagnose_case(&story.case);
    assert_eq!(diagnosis.suspects[0].kind, SuspectKind::KernelReference);
    let told = |fact: &Evidence| matches!(fact, Evidence::ObjectTypeGrowth { name, handles: 0, .. } if name == "Event");
    assert!(diagnosis.evidence.iter().any(told), "{:?}", diagnosis.evidence);
}

#[test]
fn handles_of_a_type_that_rise_for_days_are_a_leak_though_no_program_stands_out() {
    let rising = |hour: u64| hour * 400;
    let mut story = Story::new(6 * DAY);
    story.tag(b"Even", Pool::Nonpaged, 128, |hour| MB + rising(hour) * 128);
    for pid in 0..20 {
        story.process(1000 + pid, &format!("app{pid}.exe"), |hour| 500 + rising(hour) / 20);
    }
    assert_eq!(diagnose_case(&story.case).verdict, Verdict::NoLeakShown);
    story.case.object_types =
        vec![of_type(&story, |hour| 9000 + rising(hour), |hour| 9000 + rising(hour))];
    let diagnosis = diagnose_case(&story.case);
    assert_eq!((diagnosis.verdict, diagnosis.pool), (Verdict::Leak, Some(Pool::Nonpaged)));
    assert_eq!(diagnosis.tags[0].tag, tag(b"Even"));
    assert!(named_suspect(&diagnosis).is_none());

    // More sessions hold more of everything.
    story.case.live_processes = story.by_slot(|hour| 100 + hour);
    assert_eq!(diagnose_case(&story.case).verdict, Verdict::NoLeakShown);
    story.case.live_processes = story.by_slot(|_| 100);
    let work = |hour: u64| 20_000 + if (8..18).contains(&(hour % 24)) { 60_000 } else { 0 };
    story.case.object_types = vec![of_type(&story, work, work)];
    assert_eq!(diagnose_case(&story.case).verdict, Verdict::NoLeakShown, "a day's work");
}

#[test]
fn pool_charged_to_one_program_is_a_hint_and_names_nobody() {
    let mut story = Story::new(10 * DAY);
    story.tag(b"Abcd", Pool::Paged, 512, |hour| 20 * MB + hour.saturating_sub(96) * MB);
    story.process(416, "charged.exe", |_| 900);
    story.process(900, "other.exe", |_| 2000);
    let quota = story.by_slot(|hour| MB + hour.saturating_sub(96) * MB);
    story.case.processes[0].quota[0] = quota.clone();
    let diagnosis = diagnose_case(&story.case);
    let suspect = &diagnosis.suspects[0];
    assert_eq!(suspect.name.as_deref(), Some("charged.exe"));
    assert!(suspect.confidence < 0.5 && named_suspect(&diagnosis).is_none(), "{suspect:?}");
    assert!(matches!(suspect.evidence[..], [Evidence::QuotaCharge { pool: Pool::Paged, .. }]));
    let steps = &diagnosis.next_steps;
    let is_against = |step: &NextStep| {
        matches!(step, NextStep::EndProgram { .. } | NextStep::RestartService { .. })
    };
    assert!(!steps.iter().any(is_against), "a hint leads to no remedy: {steps:?}");
    assert!(steps.contains(&NextStep::ListHandles));

    story.case.processes[1].quota[0] = quota;
    let two = diagnose_case(&story.case);
    assert!(two.suspects.iter().all(|suspect| suspect.name.is_none()), "{:?}", two.suspects);
}

/// A tag that grows by 240 MB a day, and by `after` MB an hour since foo.sys changed after five days.
fn changed(after: u64) -> Story {
    let mut story = Story::new(10 * DAY);
    story.tag(b"Fooo", Pool::Nonpaged, 512, |hour| {
        20 * MB + hour.min(120) * 10 * MB + hour.saturating_sub(120) * after * MB
    });
    story.case.changes = vec![Change {
        at: story.case.now - SignedDuration::from_hours(120),
        attribute: Attribute::Driver { name: "foo.sys".into(), version: Some("2".into()) },
        before: Some("1".into()),
        kind: ChangeKind::Changed,
    }];
    story
}

fn effects(story: &Story, cause: &Cause) -> Vec<Option<Effect>> {
    let facts = release::evidence_of_changes(&story.case, cause);
    facts
        .iter()
        .map(|fact| match fact {
            Evidence::VersionOutcome { per_day_before, per_day_after, .. } => {
                release::effect_of_change(*per_day_before, *per_day_after)
            }
            _ => None,
        })
        .collect()
}

#[test]
fn a_change_of_version_shows_whether_it_ended_the_leak() {
    let (tag, pool) = (tag(b"Fooo"), Pool::Nonpaged);
    let accused = Cause::Driver { driver: "foo.sys".into(), version: Some("1".into()), tag, pool };
    let other = Cause::Driver { driver: "bar.sys".into(), version: None, tag, pool };
    let nobody = Cause::UnknownOwner { tag, pool };
    let mended = changed(0);
    assert_eq!(effects(&mended, &accused), [Some(Effect::Ended)]);
    assert_eq!(effects(&mended, &other), []);
    assert_eq!(effects(&mended, &nobody), [Some(Effect::Ended)], "it was the only change");
    let goes_on = changed(9);
    assert_eq!(effects(&goes_on, &accused), [Some(Effect::GoesOn)]);
    assert_eq!(effects(&goes_on, &nobody), []);
    let mut patch_day = changed(0);
    for driver in ["a.sys", "b.sys", "c.sys"] {
        let mut also = patch_day.case.changes[0].clone();
        also.attribute = Attribute::Driver { name: driver.into(), version: Some("2".into()) };
        patch_day.case.changes.push(also);
    }
    assert_eq!(effects(&patch_day, &nobody), [], "any of them may have done it");
}
