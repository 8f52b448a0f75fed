//! A pool was found empty: which of its bounds ran out, and who is to blame.

use jiff::SignedDuration;
use poolwatch_analysis::{around, diagnose_case, diagnose_causes};
use poolwatch_model::{
    Bytes, Pool,
    diagnosis::{Bound, Diagnosis, Evidence, Verdict},
    event::Event,
    host::{Arch, OsVersion},
    incident::{Reason, Trigger},
};

use crate::story::{DAY, MB, Story, tag};

const GB: u64 = 1 << 30;

fn event(story: &Story, event_id: u32, provider: &str) -> Event {
    Event {
        channel: "System".into(),
        record_id: u64::from(event_id),
        time: story.case.now - SignedDuration::from_mins(5),
        provider: provider.into(),
        event_id,
        level: None,
        computer: None,
        data: vec![],
        exhaustion: None,
    }
}

/// A host on which nothing grows, whose pool was found empty a moment ago.
fn found_empty(event_id: u32) -> Story {
    let mut story = Story::new(3 * DAY);
    story.tag(b"Abcd", Pool::Paged, 512, |hour| 200 * MB + hour % 5 * MB);
    story.tag(b"Efgh", Pool::Nonpaged, 512, |hour| 200 * MB + hour % 5 * MB);
    let memory = &mut story.case.memory;
    (memory.paged, memory.nonpaged) = (Some(Bytes(3 * GB / 2)), Some(Bytes(3 * GB / 2)));
    (memory.committed, memory.commit_limit) = (Some(Bytes(20 * GB)), Some(Bytes(40 * GB)));
    story.case.os = Some(OsVersion {
        product: String::new(),
        major: 10,
        minor: 0,
        build: 20348,
        revision: 0,
        arch: Arch::X64,
    });
    let event = event(&story, event_id, "Srv");
    story.case.events.push(event);
    story
}

fn commit_use(diagnosis: &Diagnosis) -> bool {
    diagnosis.evidence.iter().any(|fact| matches!(fact, Evidence::CommitUse { .. }))
}

#[test]
fn event_2020_with_commit_full_is_commits() {
    for (percent, verdict) in [(94, Verdict::Exhausted), (97, Verdict::CommitExhaustion)] {
        let mut story = found_empty(2020);
        story.case.memory.committed = Some(Bytes(40 * GB * percent / 100));
        let diagnosis = diagnose_case(&story.case);
        assert_eq!(diagnosis.verdict, verdict, "commit at {percent} %");
        assert!(matches!(diagnosis.evidence[0], Evidence::PoolEmptyEvent { event_id: 2020, .. }));
        if verdict == Verdict::CommitExhaustion {
            assert!(commit_use(&diagnosis), "{:?}", diagnosis.evidence);
            assert!(diagnosis.suspects.is_empty() && diagnosis.tags.is_empty(), "{diagnosis:?}");
            let trigger = Trigger::PoolEmpty { pool: Pool::Paged };
            let picture = around::picture_before(&story.case, trigger, story.case.now);
            assert_eq!(picture.reason, Reason::NotShown, "no tag is to blame");
        }
    }
}

#[test]
fn event_2004_beside_event_2020_tells_that_commit_ran_out() {
    let mut story = found_empty(2020);
    let detector = "Microsoft-Windows-Resource-Exhaustion-Detector";
    let commit = event(&story, 2004, detector);
    story.case.events.push(commit);
    let diagnosis = diagnose_case(&story.case);
    assert_eq!(diagnosis.verdict, Verdict::CommitExhaustion);
    let told = |fact: &Evidence| matches!(fact, Evidence::CommitExhaustedEvent { .. });
    assert!(diagnosis.evidence.iter().any(told), "{:?}", diagnosis.evidence);
}

#[test]
fn a_pool_that_fills_commit_is_to_blame_for_it() {
    for (used_gb, verdict) in [(9, Verdict::CommitExhaustion), (10, Verdict::Exhausted)] {
        let mut story = found_empty(2020);
        let memory = &mut story.case.memory;
        (memory.paged, memory.committed) = (Some(Bytes(used_gb * GB)), Some(Bytes(39 * GB)));
        story.tag(b"Leak", Pool::Paged, 512, |hour| GB + hour * 100 * MB);
        let all = diagnose_causes(&story.case);
        assert_eq!(all[0].verdict, verdict, "paged pool holds {used_gb} of 40 GB of commit");
        let leak = all.iter().find(|one| one.tags.iter().any(|t| t.tag == tag(b"Leak"))).unwrap();
        let bound = leak.headroom.map(|headroom| headroom.bound);
        assert_eq!(bound, Some(Bound::Commit));
        if verdict == Verdict::Exhausted {
            assert!(commit_use(leak));
            assert_eq!((leak.time_left, leak.left_s()), (None, Some(0)), "nothing is left");
        } else {
            assert_eq!(leak.verdict, Verdict::Leak, "a cause of its own");
        }
    }
}

#[test]
fn no_memory_that_can_be_locked_is_the_memorys() {
    let mut story = found_empty(2019);
    story.case.memory.resident_available = Some(Bytes(0));
    let diagnosis = diagnose_case(&story.case);
    assert_eq!((diagnosis.verdict, diagnosis.pool), (Verdict::Exhausted, Some(Pool::Nonpaged)));
    let headroom = diagnosis.headroom.unwrap();
    assert_eq!((headroom.bound, headroom.left), (Bound::ResidentAvailable, Bytes(0)));
    assert!(diagnosis.suspects.is_empty(), "a tenth of the memory is not what fills it");
    let told = |fact: &Evidence| matches!(fact, Evidence::ResidentAvailable { .. });
    assert!(diagnosis.evidence.iter().any(told), "{:?}", diagnosis.evidence);

    story.case.events[0].event_id = 2020;
    let paged = diagnose_case(&story.case);
    assert_eq!(paged.headroom, None, "paged pool needs no memory that is locked");
}

#[test]
fn an_event_of_which_no_bound_is_seen_to_have_run_out_names_none() {
    let diagnosis = diagnose_case(&found_empty(2020).case);
    assert_eq!(diagnosis.verdict, Verdict::Exhausted);
    assert_eq!((diagnosis.headroom, diagnosis.time_left), (None, None));
    let documented = |fact: &Evidence| matches!(fact, Evidence::PoolUse { ceiling: Some(_), .. });
    assert!(!diagnosis.evidence.iter().any(documented), "{:?}", diagnosis.evidence);
}

#[test]
fn a_measured_limit_is_exhausted_from_its_share_on() {
    for (percent, verdict) in [(94, Verdict::NoLeakShown), (96, Verdict::Exhausted)] {
        let mut story = found_empty(2020);
        story.case.events.clear();
        story.case.memory.paged_limit = Some(Bytes(3 * GB / 2 * 100 / percent));
        let diagnosis = diagnose_case(&story.case);
        assert_eq!(diagnosis.verdict, verdict, "at {percent} %");
        if verdict == Verdict::Exhausted {
            assert_eq!(diagnosis.headroom.map(|one| one.bound), Some(Bound::MeasuredLimit));
        }
    }
}

#[test]
fn commit_that_is_full_is_not_told_as_about_to_be() {
    let mut story = Story::new(4 * DAY);
    story.case.memory.commit_limit = Some(Bytes(39 * GB));
    for (start, is_ahead) in [(16, true), (19, false)] {
        story.case.committed = story.by_slot(|hour| start * GB + hour * 200 * MB);
        story.case.memory.committed = story.case.committed.last().copied().map(Bytes);
        let diagnosis = diagnose_case(&story.case);
        assert_eq!(diagnosis.verdict, Verdict::CommitExhaustion);
        let trend = |fact: &Evidence| matches!(fact, Evidence::CommitTrend { .. });
        assert_eq!(diagnosis.evidence.iter().any(trend), is_ahead, "from {start} GB");
    }
}
