//! The judgement on one host from its latest snapshot and one before it.

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{
    Snapshot,
    diagnosis::Diagnosis,
    event::Event,
    history::{HostHistory, Moment},
    host::OsVersion,
    tag::TagTable,
};

use crate::{case::CaseFile, causes};

/// What is known of a host when it is judged.
#[derive(Debug, Clone, Copy)]
pub struct Observation<'a> {
    /// The moment of the judgement.
    pub now: Timestamp,
    /// Windows version.
    pub os: Option<&'a OsVersion>,
    /// The latest snapshot.
    pub snapshot: &'a Snapshot,
    /// An earlier tag table, and how long before the snapshot it was taken.
    pub earlier: Option<(&'a TagTable, SignedDuration)>,
    /// Events of the host. Those older than a day do not count.
    pub events: &'a [Event],
}

/// Judges a host by what is known of it.
#[must_use]
pub fn diagnose(observation: &Observation<'_>) -> Diagnosis {
    let now_s = observation.now.as_second();
    let moment = |at_s| Moment { at_s, boot: 0, uptime_s: None };
    let before = observation.earlier.map(|(tags, over)| {
        let tags = Some(tags.clone());
        (moment(now_s - over.as_secs()), Snapshot { tags, ..Snapshot::default() })
    });
    let mut snapshots: Vec<(Moment, &Snapshot)> = Vec::new();
    snapshots.extend(before.as_ref().map(|(moment, snapshot)| (*moment, snapshot)));
    snapshots.push((moment(now_s), observation.snapshot));
    let history = HostHistory::from_snapshots(&snapshots);
    causes::diagnose_case(&CaseFile {
        os: observation.os.cloned(),
        events: observation.events.to_vec(),
        ..CaseFile::from_history(observation.now, history)
    })
}

#[cfg(test)]
mod tests {
    use poolwatch_model::{
        Bytes, Pool, PoolTag,
        diagnosis::{NextStep, Verdict},
        memory::Memory,
        process::ProcessUse,
        tag::{AllocCounting, TagCounters, TagUse},
    };

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn event(event_id: u32, provider: &str, age_s: i64) -> Event {
        Event {
            channel: "System".into(),
            record_id: 1,
            time: at(NOW - age_s),
            provider: provider.into(),
            event_id,
            level: None,
            computer: None,
            data: vec![],
            exhaustion: None,
        }
    }

    /// The classic case: 209,844 of 217,112 kB, thread objects, one program with 90,472 handles.
    fn classic() -> Snapshot {
        let row = |tag: &[u8; 4], bytes, outstanding| TagUse {
            tag: PoolTag::new(*tag),
            paged: TagCounters::default(),
            nonpaged: TagCounters { bytes, outstanding, allocs: 0 },
        };
        let mut process = ProcessUse::new(416, None, "mybadapp.exe");
        process.handles = Some(90_472);
        Snapshot {
            memory: Memory {
                nonpaged: Some(Bytes::from_kib(209_844)),
                nonpaged_limit: Some(Bytes::from_kib(217_112)),
                ..Memory::default()
            },
            tags: Some(TagTable::new(
                AllocCounting::OutstandingOnly,
                false,
                vec![row(b"Thre", 76_892_800, 120_145), row(b"File", 29_946_176, 187_113)],
            )),
            processes: Some(vec![process]),
            ..Snapshot::default()
        }
    }

    fn diagnose_with(snapshot: &Snapshot, events: &[Event]) -> Diagnosis {
        diagnose(&Observation { now: at(NOW), os: None, snapshot, earlier: None, events })
    }

    #[test]
    fn the_classic_dump_leads_to_thread_objects_and_mybadapp() {
        let diagnosis = diagnose_with(&classic(), &[]);
        assert_eq!((diagnosis.verdict, diagnosis.pool), (Verdict::Exhausted, Some(Pool::Nonpaged)));
        assert_eq!(diagnosis.suspects[0].name.as_deref(), Some("mybadapp.exe"));
        assert_eq!(diagnosis.suspects[0].tags, [PoolTag::new(*b"Thre")]);
    }

    #[test]
    fn event_2020_without_matching_processes_blames_nobody() {
        let diagnosis = diagnose_with(&Snapshot::default(), &[event(2020, "Srv", 60)]);
        assert_eq!((diagnosis.verdict, diagnosis.pool), (Verdict::Exhausted, Some(Pool::Paged)));
        assert_eq!(diagnosis.suspects, []);
    }

    #[test]
    fn commit_exhaustion_blames_no_tag() {
        let detector = "Microsoft-Windows-Resource-Exhaustion-Detector";
        let diagnosis = diagnose_with(&Snapshot::default(), &[event(2004, detector, 60)]);
        assert_eq!(diagnosis.verdict, Verdict::CommitExhaustion);
        assert_eq!(diagnosis.suspects, []);
    }

    #[test]
    fn old_events_judge_nothing() {
        let diagnosis = diagnose_with(&Snapshot::default(), &[event(2019, "Srv", 90_000)]);
        assert_eq!(diagnosis.verdict, Verdict::InsufficientEvidence);
    }

    /// The whole of a host that is well: both totals, and tags that explain them.
    fn healthy() -> Snapshot {
        let mut snapshot = classic();
        (snapshot.memory.nonpaged_limit, snapshot.processes) = (None, None);
        (snapshot.memory.paged, snapshot.memory.nonpaged) =
            (Some(Bytes::from_kib(48_000)), Some(Bytes::from_kib(120_000)));
        let mut rows = snapshot.tags.unwrap().rows;
        rows.iter_mut().for_each(|row| row.nonpaged.outstanding = 4_000);
        rows.push(TagUse {
            tag: PoolTag::new(*b"MmSt"),
            paged: TagCounters { bytes: 30 << 20, outstanding: 9_000, allocs: 0 },
            nonpaged: TagCounters::default(),
        });
        snapshot.tags = Some(TagTable::new(AllocCounting::OutstandingOnly, false, rows));
        snapshot
    }

    fn verdict(snapshot: &Snapshot, earlier: Option<(&TagTable, SignedDuration)>) -> Verdict {
        diagnose(&Observation { now: at(NOW), os: None, snapshot, earlier, events: &[] }).verdict
    }

    #[test]
    fn one_healthy_snapshot_and_a_quiet_day_show_no_leak_and_a_minute_shows_nothing() {
        let snapshot = healthy();
        let before = snapshot.tags.clone().unwrap();
        assert_eq!(verdict(&snapshot, None), Verdict::NoLeakShown);
        let day = SignedDuration::from_hours(24);
        assert_eq!(verdict(&snapshot, Some((&before, day))), Verdict::NoLeakShown);
        let minute = SignedDuration::from_mins(1);
        assert_eq!(verdict(&snapshot, Some((&before, minute))), Verdict::InsufficientEvidence);
    }

    #[test]
    fn a_picture_that_is_not_whole_shows_nothing_and_says_what_it_lacks() {
        let no_total = |memory: &mut Memory| memory.paged = None;
        let unexplained = |memory: &mut Memory| memory.nonpaged = Some(Bytes(3 << 30));
        for change in [no_total as fn(&mut Memory), unexplained] {
            let mut snapshot = healthy();
            change(&mut snapshot.memory);
            let diagnosis = diagnose_with(&snapshot, &[]);
            assert_eq!(diagnosis.verdict, Verdict::InsufficientEvidence, "{:?}", snapshot.memory);
            let gets_it =
                |step: &NextStep| matches!(step, NextStep::ReadTotals | NextStep::ListTags { .. });
            assert!(diagnosis.next_steps.iter().any(gets_it), "{:?}", diagnosis.next_steps);
        }
        let mut large = healthy();
        large.memory.physical = Some(Bytes(8 << 30));
        large.memory.nonpaged = Some(Bytes(3 << 30));
        assert_eq!(diagnose_with(&large, &[]).verdict, Verdict::HighUse, "three of eight GB");
    }
}
