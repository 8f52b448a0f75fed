//! Programs whose work drives what another leaks, and those that merely work at the same time.

use poolwatch_analysis::{confidence::named_trigger, diagnose_case, release};
use poolwatch_model::{
    Pool,
    diagnosis::{Evidence, NextStep, Suspect, SuspectKind, Verdict},
    history::MISSING,
};

use crate::story::{DAY, MB, Story, tag};

/// Below `most`, the same for the same numbers.
fn mixed(subject: u64, number: u64, most: u64) -> u64 {
    let bits = (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
        ^ subject.wrapping_mul(0xD6E8_FEB8_6659_FD93);
    ((bits ^ bits >> 31).wrapping_mul(0x94D0_49BB_1331_11EB) >> 32) % most
}

/// Operations of a program that works in sessions of three hours, more or less in each.
fn sessions(subject: u64, hour: u64) -> u64 {
    let works = mixed(subject, hour / 3, 10) < 5;
    if works { 20_000 + mixed(subject + 1, hour, 20_000) } else { mixed(subject + 2, hour, 300) }
}

/// Operations of a program that people work with, by day.
fn by_day(subject: u64, hour: u64) -> u64 {
    let busy = if (8..18).contains(&(hour % 24)) { 40_000 } else { 4_000 };
    busy + mixed(subject, hour, busy / 2)
}

/// What a tag has grown to, one object for every third operation.
fn grown(operations: impl Fn(u64) -> u64, hour: u64) -> u64 {
    let done: u64 = (0..hour).map(operations).sum();
    20 * MB + done / 3 * 96
}

fn host(days: u64, leaks: impl Fn(u64) -> u64) -> Story {
    let mut story = Story::new(days * DAY);
    story.tag(b"NtFC", Pool::Nonpaged, 96, leaks);
    story.process(900, "other.exe", |hour| 2000 + hour % 24);
    for (subject, image) in [(20, "office.exe"), (30, "mail.exe"), (40, "browser.exe")] {
        story.program(image, move |hour| by_day(subject, hour));
    }
    story.program("svchost.exe", |hour| 9_000 + mixed(50, hour, 4_000));
    story.program("lsass.exe", |hour| 900 + mixed(60, hour, 200));
    story
}

fn trigger(story: &Story) -> Option<Suspect> {
    let diagnosis = diagnose_case(&story.case);
    assert_eq!(diagnosis.verdict, Verdict::Leak, "{diagnosis:?}");
    named_trigger(&diagnosis).cloned()
}

#[test]
fn a_tag_that_grows_while_a_program_works_has_a_trigger_and_no_culprit() {
    let mut story = host(10, |hour| grown(|hour| sessions(1, hour), hour));
    story.program("git.exe", |hour| sessions(1, hour));
    let diagnosis = diagnose_case(&story.case);
    assert_eq!(diagnosis.verdict, Verdict::Leak);
    assert_ne!(diagnosis.suspects[0].kind, SuspectKind::Trigger, "who leaks comes first");
    let suspect = named_trigger(&diagnosis).unwrap_or_else(|| panic!("{diagnosis:#?}"));
    assert_eq!(suspect.name.as_deref(), Some("git.exe"));
    assert!((0.7..=0.9).contains(&suspect.confidence), "{suspect:?}");
    let [Evidence::GrowsWithOperations { operations, objects, bytes, hours, active, .. }] =
        suspect.evidence.as_slice()
    else {
        panic!("{suspect:?}")
    };
    assert_eq!((*operations as f64 / *objects as f64).round() as u64, 3);
    assert_eq!(bytes.0 / objects, 96);
    assert!(*hours > 60 && hours == active, "{active} of {hours} hours");
    let stop =
        |step: &NextStep| matches!(step, NextStep::StopTrigger { image, .. } if image == "git.exe");
    assert!(diagnosis.next_steps.iter().any(stop), "{:?}", diagnosis.next_steps);
    let ends = |step: &NextStep| matches!(step, NextStep::EndProgram { .. });
    assert!(!diagnosis.next_steps.iter().any(ends), "nothing is given back");
}

#[test]
fn growth_by_the_hours_of_work_has_no_trigger_among_those_who_work_then() {
    for subject in [70, 80, 90, 100] {
        let story = host(10, |hour| grown(|hour| by_day(subject, hour), hour));
        assert_eq!(trigger(&story), None);
    }
}

#[test]
fn a_program_that_only_shares_the_cause_is_no_trigger() {
    // Requests from outside drive both, and the program works for itself as well.
    let mut story = host(10, |hour| grown(|hour| sessions(1, hour), hour));
    story.program("agent.exe", |hour| sessions(1, hour) + sessions(5, hour));
    assert_eq!(trigger(&story), None);
}

#[test]
fn of_two_that_work_together_neither_is_named() {
    let mut story = host(10, |hour| grown(|hour| sessions(1, hour), hour));
    for image in ["git.exe", "conhost.exe"] {
        story.program(image, |hour| sessions(1, hour) + 3);
    }
    assert_eq!(trigger(&story), None);
    let diagnosis = diagnose_case(&story.case);
    let told = diagnosis.suspects.iter().filter(|one| one.kind == SuspectKind::Trigger);
    assert_eq!(told.count(), 2, "both are told as hints");
}

#[test]
fn what_the_kernel_brokers_and_hosts_of_services_do_names_nobody() {
    for image in ["System", "lsass.exe", "svchost.exe"] {
        let mut story = host(10, |hour| grown(|hour| sessions(1, hour), hour));
        story.case.programs.retain(|program| program.image != image);
        story.program(image, |hour| sessions(1, hour));
        assert_eq!(trigger(&story), None, "{image}");
    }
}

#[test]
fn hosts_whose_agent_counts_no_operations_have_no_trigger() {
    let mut story = host(10, |hour| grown(|hour| sessions(1, hour), hour));
    story.case.programs.clear();
    assert_eq!(trigger(&story), None);
    story.program("git.exe", |hour| sessions(1, hour));
    story.case.programs[0].operations.fill(MISSING);
    assert_eq!(trigger(&story), None);
}

/// A program with many handles that ends after 96 hours; from then on the tag grows by so much per hour.
fn ended(before: u64, after: u64, hours: u64) -> (Story, Vec<Evidence>) {
    let mut story = Story::new(96 + hours);
    let bytes = move |hour: u64| 20 * MB + hour.min(96) * before + hour.saturating_sub(96) * after;
    story.tag(b"Toke", Pool::Nonpaged, 1024, bytes);
    story.process(416, "app.exe", |_| 9_000);
    story.process(900, "other.exe", |hour| 2000 + hour % 24);
    story.case.processes[0].handles[96 * 6..].fill(MISSING);
    let series = story.case.tag(tag(b"Toke"), Pool::Nonpaged).cloned();
    let facts = series
        .map(|series| release::evidence_of_process_ends(&story.case, "app.exe", &series))
        .unwrap_or_default();
    (story, facts)
}

#[test]
fn a_program_whose_end_gives_nothing_back_is_refuted_only_when_growth_goes_on() {
    let (_, goes_on) = ended(MB, MB, 24);
    assert!(
        matches!(goes_on.as_slice(), [Evidence::Release { confirms: false, .. }]),
        "{goes_on:?}"
    );
    let (_, stops) = ended(MB, 0, 24);
    assert!(
        matches!(
            stops.as_slice(),
            [Evidence::EndedWithoutReturn { per_hour_before: 1024, per_hour_after: 0, .. }]
        ),
        "{stops:?}"
    );
    let (_, slower) = ended(MB, MB / 3, 24);
    assert_eq!(slower, [], "neither");
    let (_, too_early) = ended(MB, 0, 1);
    assert_eq!(too_early, [], "it has to be seen for an hour");
    let (_, little) = ended(4096, 0, 24);
    assert_eq!(little, [], "so little comes and goes by itself");
}

#[test]
fn a_program_that_took_growth_with_it_and_gave_nothing_back_drove_it() {
    let (story, _) = ended(MB, 0, 24);
    let accused = Suspect {
        kind: SuspectKind::Process,
        name: Some("app.exe".into()),
        tags: vec![tag(b"Toke")],
        confidence: 0.9,
        ..Suspect::default()
    };
    let mut suspects = vec![accused];
    release::weigh_evidence(&story.case, Pool::Nonpaged, &mut suspects);
    assert_eq!((suspects[0].kind, suspects[0].confidence), (SuspectKind::Trigger, 0.7));
}
