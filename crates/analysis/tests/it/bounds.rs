//! Thresholds of the rules, on both sides of each.

use poolwatch_analysis::{
    case::Peer,
    commit,
    confidence::named_suspect,
    diagnose_case,
    release::{self, Effect},
    suspects,
};
use poolwatch_model::{
    Bytes, Pool,
    comparison::{Attribute, AttributeCounts},
    diagnosis::Verdict,
    event::{ExhaustionProcess, MemoryExhaustion},
};

use crate::story::{DAY, MB, Story, tag};

const GB: u64 = 1 << 30;

/// Hours of growth in a story of ten days that holds still for four.
const fn grows(hour: u64) -> u64 {
    hour.saturating_sub(96)
}

#[test]
fn a_leak_grows_by_what_is_notable_and_less_is_watched() {
    for (kb_an_hour, verdict) in [(250, Verdict::NoLeakShown), (500, Verdict::Leak)] {
        let mut story = Story::new(10 * DAY);
        story.tag(b"Abcd", Pool::Paged, 512, |hour| 20 * MB + grows(hour) * kb_an_hour * 1024);
        assert_eq!(diagnose_case(&story.case).verdict, verdict, "{kb_an_hour} kB an hour");
    }
}

#[test]
fn few_large_allocations_are_somebodys_buffers() {
    for (unit_mb, verdict) in [(10, Verdict::NoLeakShown), (4, Verdict::Leak)] {
        let mut story = Story::new(10 * DAY);
        story.tag(b"Abcd", Pool::Paged, unit_mb * MB, |hour| 20 * MB + grows(hour) * MB);
        assert_eq!(diagnose_case(&story.case).verdict, verdict, "{unit_mb} MB each");
    }
}

#[test]
fn a_level_of_the_peers_takes_three_of_them_and_half_as_much_again() {
    for (hosts, median_mb, verdict) in [
        (2, 300, Verdict::Leak),
        (3, 300, Verdict::NoLeakShown),
        (3, 115, Verdict::NoLeakShown),
        (3, 100, Verdict::Leak),
    ] {
        let mut story = Story::new(10 * DAY);
        story.tag(b"Abcd", Pool::Paged, 512, |hour| 20 * MB + grows(hour) * MB);
        let (tag, pool, median) = (tag(b"Abcd"), Pool::Paged, median_mb * MB);
        story.case.peers = vec![Peer { tag, pool, median, hosts }];
        let found = diagnose_case(&story.case).verdict;
        assert_eq!(found, verdict, "{hosts} hosts with {median_mb} MB");
    }
}

#[test]
fn a_program_is_named_when_its_handles_explain_the_objects_and_not_far_more() {
    for (percent, named) in [(55, false), (65, true), (100, true), (130, true), (140, false)] {
        let mut story = Story::new(10 * DAY);
        let objects = |hour: u64| grows(hour) * MB / 128;
        story.tag(b"Even", Pool::Nonpaged, 128, |hour| 20 * MB + objects(hour) * 128);
        story.process(416, "badapp.exe", |hour| 800 + objects(hour) * percent / 100);
        let diagnosis = diagnose_case(&story.case);
        assert_eq!(named_suspect(&diagnosis).is_some(), named, "handles for {percent} %");
    }
}

#[test]
fn two_that_could_each_be_it_alone_are_not_named_alone() {
    for (percent, named) in [(40, 1), (60, 0)] {
        let mut story = Story::new(10 * DAY);
        let objects = |hour: u64| grows(hour) * MB / 128;
        story.tag(b"Even", Pool::Nonpaged, 128, |hour| 20 * MB + objects(hour) * 128);
        story.process(416, "badapp.exe", |hour| 800 + objects(hour));
        story.process(417, "other.exe", |hour| 800 + objects(hour) * percent / 100);
        let diagnosis = diagnose_case(&story.case);
        let named = diagnosis.suspects.iter().filter(|one| one.name.is_some()).count() == named;
        assert!(named, "{percent} %: {:?}", diagnosis.suspects);
    }
}

#[test]
fn much_is_high_use_from_its_bytes_on_and_when_it_holds_still() {
    for (mb, median, breath, verdict) in [
        (255, 30, 0, Verdict::NoLeakShown),
        (257, 30, 0, Verdict::HighUse),
        (257, 65, 0, Verdict::NoLeakShown),
        (1000, 30, 45, Verdict::HighUse),
        (1000, 30, 60, Verdict::NoLeakShown),
    ] {
        let mut story = Story::new(3 * DAY);
        let unit = 4096;
        story.tag(b"MmCm", Pool::Nonpaged, unit, |hour| (mb - hour % 2 * breath) * MB);
        let (tag, pool, median) = (tag(b"MmCm"), Pool::Nonpaged, median * MB);
        story.case.peers = vec![Peer { tag, pool, median, hosts: 9 }];
        let found = diagnose_case(&story.case).verdict;
        assert_eq!(found, verdict, "{mb} MB, {breath} less every other hour");
    }
}

#[test]
fn a_burst_at_the_last_moment_is_not_the_level_that_holds() {
    let mut story = Story::new(3 * DAY);
    story.tag(b"MmCm", Pool::Nonpaged, 4096, |_| 100 * MB);
    let (tag, pool) = (tag(b"MmCm"), Pool::Nonpaged);
    story.case.peers = vec![Peer { tag, pool, median: 50 * MB, hosts: 9 }];
    *story.case.tags[0].bytes.last_mut().unwrap() = 900 * MB;
    assert_eq!(diagnose_case(&story.case).verdict, Verdict::NoLeakShown);
}

#[test]
fn size_alone_accuses_in_a_picture_and_not_where_an_agent_will_show_the_course() {
    for (is_watched, verdict) in [(false, Verdict::Leak), (true, Verdict::NoLeakShown)] {
        let mut story = Story::new(1);
        story.tag(b"Abcd", Pool::Nonpaged, 256, |_| 280 * MB);
        story.tag(b"Efgh", Pool::Paged, 256, |_| 200 * MB);
        story.case.is_watched = is_watched;
        story.case.axis.drain(..5);
        for series in &mut story.case.tags {
            series.bytes.drain(..5);
            series.outstanding.drain(..5);
            series.allocs.drain(..5);
        }
        assert_eq!(diagnose_case(&story.case).verdict, verdict, "watched: {is_watched}");
    }
}

#[test]
fn ended_processes_are_kept_when_they_are_far_more_than_live_ones() {
    for (live, outstanding, expected) in
        [(100, 1099, false), (100, 1100, true), (1000, 2999, false), (1000, 3000, true)]
    {
        let mut story = Story::new(1);
        story.tag(b"Proc", Pool::Nonpaged, 1, |_| outstanding);
        story.case.live_processes.fill(live);
        let found = suspects::zombie_suspect(&story.case, &story.case.tags[0]).is_some();
        assert_eq!(found, expected, "{outstanding} objects of {live} processes");
    }
}

#[test]
fn a_change_of_version_ended_a_leak_began_it_or_did_neither() {
    for (before, after, effect) in [
        (15, 0, None),
        (17, 0, Some(Effect::Ended)),
        (100, 9, Some(Effect::Ended)),
        (100, 11, None),
        (100, 49, None),
        (100, 50, Some(Effect::GoesOn)),
        (9, 100, Some(Effect::Began)),
    ] {
        let found = release::effect_of_change(Bytes(before * MB), Bytes(after * MB));
        assert_eq!(found, effect, "{before} to {after} MB per day");
    }
}

#[test]
fn who_holds_commit_is_named_when_it_is_far_above_all_others() {
    let process = |image: &str, gb: u64, handles| ExhaustionProcess {
        image: image.into(),
        pid: 416,
        created: None,
        commit: Bytes(gb * GB),
        handles,
    };
    for (first, next, handles, sure) in [
        (9, 1, 100, None),
        (10, 1, 100, Some(0.55)),
        (12, 5, 100, None),
        (12, 4, 100, Some(0.55)),
        (12, 4, 50_001, Some(0.75)),
        (40, 4, 100, Some(0.55)),
        (41, 4, 100, Some(0.85)),
    ] {
        let mut story = Story::new(1);
        story.case.exhaustions = vec![MemoryExhaustion {
            commit_limit: Some(Bytes(100 * GB)),
            top_processes: vec![
                process("hungry.exe", first, handles),
                process("other.exe", next, 100),
            ],
            ..MemoryExhaustion::default()
        }];
        let diagnosis = commit::commit_exhaustion(&story.case).unwrap();
        let found = diagnosis.suspects.first().map(|suspect| suspect.confidence);
        assert_eq!(found, sure, "{first} and {next} of 100 GB, {handles} handles");
    }
}

#[test]
fn a_comparison_accuses_what_most_affected_and_few_healthy_hosts_have() {
    for (affected, healthy, p, named) in [
        (80, 10, 1e-6, false),
        (81, 10, 1e-6, true),
        (81, 30, 1e-6, false),
        (81, 29, 1e-6, true),
        (81, 29, 1e-3, false),
    ] {
        let mut story = Story::new(10 * DAY);
        story.tag(b"Ddk ", Pool::Nonpaged, 256, |hour| 20 * MB + grows(hour) * MB);
        let counts = AttributeCounts {
            attribute: Attribute::Driver { name: "foo.sys".into(), version: None },
            affected,
            affected_of: 100,
            healthy,
            healthy_of: 100,
            odds_ratio: 100.0,
            p,
        };
        story.case.fleet = vec![(tag(b"Ddk "), counts)];
        let diagnosis = diagnose_case(&story.case);
        let found = named_suspect(&diagnosis).is_some();
        assert_eq!(found, named, "{affected} affected, {healthy} healthy, p {p}");
    }
}

#[test]
fn tags_are_in_step_when_their_objects_are_whole_multiples() {
    for (percent, together) in [(100, true), (102, true), (105, false), (200, true), (150, false)] {
        let mut story = Story::new(10 * DAY);
        story.tag(b"Abcd", Pool::Nonpaged, 1024, |hour| 20 * MB + grows(hour) * MB);
        story.tag(b"Efgh", Pool::Nonpaged, 16, |hour| {
            MB + grows(hour) * MB / 1024 * 16 * percent / 100
        });
        let diagnosis = diagnose_case(&story.case);
        let leaks = diagnosis.tags.iter().any(|one| one.tag == tag(b"Efgh"));
        assert_eq!(leaks, together, "{percent} objects of the other for 100");
    }
}
