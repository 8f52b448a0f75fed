//! Stories of hosts, judged.

mod bounds;
mod exhaustion;
mod holders;
mod story;
mod triggers;

use jiff::Timestamp;
use poolwatch_analysis::{
    around, case::Peer, diagnose_case, diagnose_causes, release, trend::Stage,
};
use poolwatch_model::{
    Bytes, Pool, PoolTag,
    comparison::{Attribute, AttributeCounts, Change, ChangeKind},
    diagnosis::{Evidence, NextStep, SuspectKind, Verdict},
    incident::{Reason, Trigger},
};

use story::{DAY, MB, Story, tag};

#[test]
fn handles_that_grow_with_the_objects_name_the_program_and_its_service() {
    let mut story = Story::new(10 * DAY);
    story.tag(b"Even", Pool::Nonpaged, 128, |hour| 20 * MB + hour.saturating_sub(96) * MB);
    story.process(416, "badapp.exe", |hour| 800 + hour.saturating_sub(96) * MB / 128);
    story.process(900, "other.exe", |hour| 2000 + hour);
    story.case.processes[0].services = vec!["BadApp".into()];
    let diagnosis = diagnose_case(&story.case);
    assert_eq!((diagnosis.verdict, diagnosis.pool), (Verdict::Leak, Some(Pool::Nonpaged)));
    let suspect = &diagnosis.suspects[0];
    assert_eq!((suspect.kind, suspect.name.as_deref()), (SuspectKind::Process, Some("badapp.exe")));
    assert!(suspect.confidence > 0.9, "{suspect:?}");
    assert!(diagnosis.next_steps.iter().any(
        |step| matches!(step, NextStep::RestartService { services, .. } if services[0] == "BadApp")
    ));
}

#[test]
fn the_kernels_own_process_is_never_named() {
    let mut story = Story::new(10 * DAY);
    story.tag(b"File", Pool::Nonpaged, 400, |hour| 20 * MB + hour.saturating_sub(96) * MB);
    story.process(4, "System", |hour| 3000 + hour.saturating_sub(96) * MB / 400);
    let diagnosis = diagnose_case(&story.case);
    assert_eq!(diagnosis.verdict, Verdict::Leak);
    assert!(diagnosis.suspects.iter().all(|suspect| suspect.name.is_none()), "{diagnosis:?}");
}

#[test]
fn objects_without_handles_are_references_of_a_driver() {
    let mut story = Story::new(10 * DAY);
    story.tag(b"Toke", Pool::Paged, 1600, |hour| 20 * MB + hour.saturating_sub(96) * MB);
    story.process(900, "other.exe", |hour| 2000 + hour % 24);
    let diagnosis = diagnose_case(&story.case);
    assert_eq!(diagnosis.suspects[0].kind, SuspectKind::KernelReference);
    assert_eq!(diagnosis.suspects[0].name, None);
}

#[test]
fn a_shared_tag_names_nobody_and_a_fleet_may() {
    let mut story = Story::new(10 * DAY);
    story.tag(b"Ddk ", Pool::Nonpaged, 256, |hour| 20 * MB + hour.saturating_sub(96) * MB);
    let alone = diagnose_case(&story.case);
    assert_eq!(alone.verdict, Verdict::Leak);
    assert!(alone.suspects.iter().all(|suspect| suspect.name.is_none()), "{alone:?}");
    assert!(alone.next_steps.iter().any(|step| matches!(step, NextStep::VerifyDrivers { .. })));
    let counts = AttributeCounts {
        attribute: Attribute::Driver { name: "foo.sys".into(), version: Some("5.1".into()) },
        affected: 39,
        affected_of: 41,
        healthy: 3,
        healthy_of: 960,
        odds_ratio: 5000.0,
        p: 1e-40,
    };
    story.case.fleet = vec![(tag(b"Ddk "), counts)];
    let fleet = diagnose_case(&story.case);
    assert_eq!(fleet.suspects[0].name.as_deref(), Some("foo.sys"));
    assert_eq!(fleet.suspects[0].version.as_deref(), Some("5.1"));
    assert!(fleet.suspects[0].confidence > 0.85);
}

#[test]
fn tags_in_step_are_one_cause() {
    let mut story = Story::new(10 * DAY);
    let grown = |hour: u64| hour.saturating_sub(96) * MB;
    story.tag(b"Abcd", Pool::Nonpaged, 336, move |hour| 20 * MB + grown(hour));
    story.tag(b"IoWI", Pool::Nonpaged, 112, move |hour| 20 * MB + grown(hour) / 3);
    let found = diagnose_causes(&story.case);
    assert_eq!(found.len(), 1, "{found:?}");
    let tags: Vec<_> = found[0].tags.iter().map(|one| one.tag).collect();
    assert_eq!(tags, [tag(b"Abcd"), tag(b"IoWI")]);
}

#[test]
fn what_comes_and_goes_fills_or_jumps_is_no_leak() {
    let breath: fn(u64) -> u64 =
        |hour| 300 * MB + if (8..18).contains(&(hour % 24)) { 250 * MB } else { hour % 3 * MB };
    let fills: fn(u64) -> u64 = |hour| 400 * MB - 350 * MB * 20 / (20 + hour);
    let jumps: fn(u64) -> u64 = |hour| if hour < 150 { 100 * MB } else { 300 * MB };
    let backup: fn(u64) -> u64 = |hour| if hour % 24 < 4 { 900 * MB } else { 100 * MB };
    for (name, way) in [("breath", breath), ("fills", fills), ("jumps", jumps), ("backup", backup)]
    {
        for hours in [DAY, 2 * DAY, 3 * DAY, 5 * DAY, 10 * DAY, 10 * DAY + 11] {
            let mut story = Story::new(hours);
            story.tag(b"Abcd", Pool::Nonpaged, 512, way);
            let diagnosis = diagnose_case(&story.case);
            assert_eq!(diagnosis.verdict, Verdict::NoLeakShown, "{name} after {hours} h");
        }
    }
}

#[test]
fn a_level_that_peers_hold_is_no_leak() {
    let mut story = Story::new(10 * DAY);
    story.tag(b"Abcd", Pool::Paged, 512, |hour| 20 * MB + hour * MB);
    assert_eq!(diagnose_case(&story.case).verdict, Verdict::Leak);
    story.case.peers =
        vec![Peer { tag: tag(b"Abcd"), pool: Pool::Paged, median: 300 * MB, hosts: 9 }];
    assert_eq!(diagnose_case(&story.case).verdict, Verdict::NoLeakShown);
}

#[test]
fn much_that_does_not_grow_is_high_use() {
    let mut story = Story::new(3 * DAY);
    story.tag(b"MmCm", Pool::Nonpaged, 4 * MB, |_| 1200 * MB);
    story.case.peers =
        vec![Peer { tag: tag(b"MmCm"), pool: Pool::Nonpaged, median: 30 * MB, hosts: 9 }];
    let diagnosis = diagnose_case(&story.case);
    assert_eq!(diagnosis.verdict, Verdict::HighUse);
    assert!(diagnosis.evidence.iter().any(|fact| matches!(fact, Evidence::PeerUse { .. })));
}

#[test]
fn what_comes_back_when_the_program_ends_is_the_proof() {
    let mut story = Story::new(10 * DAY);
    let leaked = |hour: u64| if hour < 96 { 0 } else { (hour - 96) % 100 * MB };
    story.tag(b"Sema", Pool::Nonpaged, 128, move |hour| 20 * MB + leaked(hour));
    story.process(416, "badapp.exe", move |hour| 800 + leaked(hour) / 128);
    // It was restarted after a hundred hours: another process from then on.
    let split = 196 * 6;
    let mut again = story.case.processes[0].clone();
    again.key.pid = 417;
    for at in 0..story.case.axis.len() {
        let ended = if at < split { &mut again } else { &mut story.case.processes[0] };
        ended.handles[at] = poolwatch_model::history::MISSING;
        ended.threads[at] = poolwatch_model::history::MISSING;
    }
    story.case.processes.push(again);
    let mut series = story.case.tag(tag(b"Sema"), Pool::Nonpaged).unwrap().clone();
    for ended_within_a_minimum in [false, true] {
        if ended_within_a_minimum {
            series.outstanding[split - 1] = series.outstanding[split];
            series.bytes[split - 1] = series.bytes[split];
        }
        let facts = release::evidence_of_process_ends(&story.case, "badapp.exe", &series);
        assert!(
            matches!(facts.as_slice(), [Evidence::Release { confirms: true, before, after, .. }]
                if before.0 - after.0 > 90 * MB),
            "{facts:?}"
        );
    }
}

#[test]
fn an_event_is_explained_by_what_grew_before() {
    let mut story = Story::new(10 * DAY);
    story.tag(b"Even", Pool::Nonpaged, 128, |hour| 20 * MB + hour.saturating_sub(96) * 4 * MB);
    story.process(416, "badapp.exe", |hour| 800 + hour.saturating_sub(96) * 4 * MB / 128);
    let at = story.case.now;
    story.case.changes = vec![Change {
        at: at - jiff::SignedDuration::from_hours(30),
        attribute: Attribute::Driver { name: "foo.sys".into(), version: Some("2".into()) },
        before: Some("1".into()),
        kind: ChangeKind::Changed,
    }];
    let trigger = Trigger::PoolEmpty { pool: Pool::Nonpaged };
    let picture = around::picture_before(&story.case, trigger, at);
    let expected = Reason::ProgramHolds { image: "badapp.exe".into(), tag: tag(b"Even") };
    assert_eq!(picture.reason, expected);
    assert_eq!(picture.changed.len(), 1);
    assert!(matches!(picture.grew.as_slice(), [Evidence::TagGrowth { grown, .. }]
        if grown.0 > 90 * MB));
    assert!(!picture.held.is_empty());
}

#[test]
fn event_2020_without_growth_blames_nobody() {
    let mut story = Story::new(3 * DAY);
    story.tag(b"Abcd", Pool::Paged, 512, |hour| 90 * MB + hour % 5 * MB);
    story.tag(b"Efgh", Pool::Paged, 512, |_| 80 * MB);
    story.case.memory.paged = Some(Bytes(900 * MB));
    let picture = around::picture_before(
        &story.case,
        Trigger::PoolEmpty { pool: Pool::Paged },
        story.case.now,
    );
    assert_eq!(picture.reason, Reason::NotShown);
}

#[test]
fn growth_is_watched_before_it_is_called_a_leak() {
    let mut story = Story::new(10 * DAY);
    story.tag(b"Abcd", Pool::Nonpaged, 512, |hour| 20 * MB + hour.saturating_sub(226) * 2 * MB);
    let series = story.case.tag(tag(b"Abcd"), Pool::Nonpaged).unwrap();
    let growth = poolwatch_analysis::trend::measure_growth(&story.case, series).unwrap();
    assert_eq!(growth.stage, Stage::Watched);
    assert_eq!(diagnose_case(&story.case).verdict, Verdict::NoLeakShown);
}

#[test]
fn judgements_are_stored_and_read_back() {
    let mut story = Story::new(10 * DAY);
    story.tag(b"Even", Pool::Nonpaged, 128, |hour| 20 * MB + hour.saturating_sub(96) * MB);
    story.process(416, "badapp.exe", |hour| 800 + hour.saturating_sub(96) * MB / 128);
    let diagnosis = diagnose_case(&story.case);
    let text = serde_json::to_string(&diagnosis).unwrap();
    assert_eq!(
        serde_json::from_str::<poolwatch_model::diagnosis::Diagnosis>(&text).unwrap(),
        diagnosis
    );
    // As the first version wrote it.
    let old = r#"{"verdict":"exhausted","pool":"nonpaged","suspects":[{"kind":"process","name":"a.exe",
        "tags":["Thre"],"confidence":0.5,"evidence":[]}],"evidence":[]}"#;
    let read: poolwatch_model::diagnosis::Diagnosis = serde_json::from_str(old).unwrap();
    assert_eq!(read.suspects[0].tags, [PoolTag::new(*b"Thre")]);
    assert!(read.next_steps.is_empty() && Timestamp::UNIX_EPOCH < story.case.now);
}

#[test]
fn commit_that_rises_to_its_limit_is_told_a_day_before_and_names_the_program() {
    const GB: u64 = 1 << 30;
    let mut story = Story::new(4 * DAY);
    story.case.memory.commit_limit = Some(Bytes(39 * GB));
    let rising = |hour: u64| 16 * GB + hour * 200 * MB;
    story.case.committed = story.by_slot(rising);
    story.case.memory.committed = story.case.committed.last().copied().map(Bytes);
    story.process(416, "hungry.exe", |_| 900);
    story.process(900, "other.exe", |_| 2000);
    let private = story.by_slot(|hour| GB + hour * 190 * MB);
    story.case.processes[0].private_bytes = private;
    let early = diagnose_case(&story.case);
    assert_eq!(early.verdict, Verdict::CommitExhaustion, "{early:?}");
    assert!(early.tags.is_empty());
    assert_eq!(early.suspects[0].name.as_deref(), Some("hungry.exe"));
    let left_h = early.evidence.iter().find_map(|fact| match fact {
        Evidence::CommitTrend { left_s, .. } => Some(left_s / 3600),
        _ => None,
    });
    assert!(left_h.is_some_and(|hours| (20..24).contains(&hours)), "{left_h:?}");

    story.case.memory.commit_limit = Some(Bytes(80 * GB));
    assert_ne!(diagnose_case(&story.case).verdict, Verdict::CommitExhaustion, "not within a day");
    story.case.memory.commit_limit = Some(Bytes(39 * GB));
    story.case.committed = story.by_slot(|hour| 24 * GB + hour % 24 * 400 * MB);
    assert_ne!(diagnose_case(&story.case).verdict, Verdict::CommitExhaustion, "a day's work");
    story.case.committed = story.by_slot(rising);
    story.case.pools[1] = story.by_slot(|hour| GB + hour * 150 * MB);
    assert_ne!(diagnose_case(&story.case).verdict, Verdict::CommitExhaustion, "pool explains it");
}

#[test]
fn handles_that_grow_for_days_are_a_leak_however_small_their_objects() {
    let mut story = Story::new(4 * DAY);
    story.tag(b"Even", Pool::Nonpaged, 128, |hour| MB + hour * 300 * 128);
    story.tag(b"File", Pool::Nonpaged, 400, |hour| 5 * MB + hour % 24 * 4000);
    story.process(416, "drip.exe", |hour| 800 + hour * 300);
    story.process(900, "busy.exe", |hour| 12_000 + hour % 24 * 500);
    let diagnosis = diagnose_case(&story.case);
    assert_eq!((diagnosis.verdict, diagnosis.pool), (Verdict::Leak, Some(Pool::Nonpaged)));
    let suspect = &diagnosis.suspects[0];
    assert_eq!(
        (suspect.name.as_deref(), &suspect.tags[..]),
        (Some("drip.exe"), &[tag(b"Even")][..])
    );
    assert!(suspect.confidence >= 0.85, "{suspect:?}");
    assert_eq!(diagnosis.suspects.len(), 1);

    story.case.tags.retain(|series| series.tag != tag(b"Even"));
    assert_eq!(diagnose_case(&story.case).verdict, Verdict::NoLeakShown, "no objects, no proof");
    // A few objects that come along with the handles are not what these are.
    story.tag(b"ALPC", Pool::Nonpaged, 640, |hour| MB + hour * 20 * 640);
    assert_eq!(diagnose_case(&story.case).verdict, Verdict::NoLeakShown, "a fifteenth of them");
}
