//! The case file of a machine of which there are only texts.

use jiff::Timestamp;
use poolwatch_analysis::{
    CaseFile,
    case::{Owner, latest},
    catalogue::{self, Catalogue},
};
use poolwatch_evidence::{
    CombinedEvidence,
    statements::{GrowthTable, HandleSummary, UndatedEvent, VerifiedDriver},
};
use poolwatch_model::{
    Pool, PoolTag, Snapshot,
    diagnosis::OwnerSource,
    event::{Event, EventKind},
    history::{MISSING, ProcessSeries, TagSeries},
    process::ProcessHandles,
    tag::{AllocCounting, TagCounters, TagTable, TagUse},
};

/// The case that the states of a machine make.
pub(super) fn case_of_states(combined: &CombinedEvidence, catalogue: &Catalogue) -> CaseFile {
    let pictures: Vec<(Option<u64>, &Snapshot)> =
        combined.snapshots.iter().map(|moment| (moment.at_s, &moment.snapshot)).collect();
    let of_pictures = combined.snapshots.iter().filter_map(|moment| moment.at_s);
    let of_events = combined.undated_events.iter().filter_map(|event| event.at_s);
    let dated = of_pictures.chain(of_events).filter_map(date);
    let now = combined.events.iter().map(|event| event.time).chain(dated).max();
    let now = now.unwrap_or(Timestamp::UNIX_EPOCH);
    let mut events = combined.events.clone();
    events.extend(combined.undated_events.iter().filter_map(|told| event(told, now)));
    let mut case = CaseFile::from_pictures(now, None, &pictures, &events);
    let told = combined.undated_events.iter();
    case.exhaustions = told.filter_map(|event| event.exhaustion.as_deref().cloned()).collect();
    case.arch = combined.arch;
    case.is_torn = combined.is_torn();
    case.is_verified = !combined.verified.is_empty();
    case.handles_by_type = handles_by_type(combined, &case);
    count_ended(&mut case, combined.ended.iter().map(|ended| ended.processes).sum());
    case.name_owners(catalogue);
    case.owners.extend(verified(&combined.verified));
    case
}

/// Handles by type of the processes that they are told of.
fn handles_by_type(combined: &CombinedEvidence, case: &CaseFile) -> Vec<ProcessHandles> {
    let of_process = |process: &ProcessSeries| {
        let is_its = |one: &&HandleSummary| one.is_of(process.key.pid, &process.image);
        let listed = combined.handles.iter().rfind(is_its)?;
        let counts = listed.by_type.iter();
        let by_type =
            counts.map(|(name, count)| (name.clone(), u32::try_from(*count).unwrap_or(u32::MAX)));
        Some(ProcessHandles { key: process.key, by_type: by_type.collect() })
    };
    case.processes.iter().filter_map(of_process).collect()
}

/// The date of a picture, where its text tells one: such moments count from 1900 on.
fn date(at_s: u64) -> Option<Timestamp> {
    const UNTIL_1970: u64 = 25_567 * 86_400;
    let second = at_s.checked_sub(UNTIL_1970)?;
    Timestamp::from_second(i64::try_from(second).ok()?).ok()
}

/// Where no text tells how many process objects there are, a list of processes does that shows those
/// as well that have ended.
fn count_ended(case: &mut CaseFile, ended: u64) {
    /// Fewer are on their way out.
    const MANY: u64 = 1000;
    let tag = PoolTag::of_object_type("Process");
    let Some((at, live)) = latest(&case.live_processes) else { return };
    if ended < MANY || case.tags.iter().any(|series| series.tag == tag) {
        return;
    }
    let blank = || vec![MISSING; case.axis.len()];
    let (mut bytes, mut outstanding) = (blank(), blank());
    (bytes[at], outstanding[at]) = (0, live.saturating_add(ended));
    let allocs = blank();
    case.tags.push(TagSeries { tag, pool: Pool::Nonpaged, bytes, outstanding, allocs });
}

/// The case that a table of growth makes: nothing is known of before, so that all that is
/// outstanding is what was gained.
pub(super) fn case_of_growth(
    growth: &GrowthTable,
    catalogue: &Catalogue,
    pool: Option<Pool>,
) -> CaseFile {
    let row = |grown: &poolwatch_evidence::statements::GrownTag, part: u64| {
        let known = || catalogue::entry(grown.tag).and_then(|entry| entry.pool);
        let of = grown.pool.or_else(known).or(pool).unwrap_or(Pool::Nonpaged);
        let counters = TagCounters {
            bytes: grown.bytes.map_or(0, |bytes| bytes.0) * part,
            outstanding: grown.outstanding.unwrap_or(0) * part,
            allocs: 0,
        };
        let mut row = TagUse {
            tag: grown.tag,
            paged: TagCounters::default(),
            nonpaged: TagCounters::default(),
        };
        *row.of_mut(of) = counters;
        row
    };
    let picture = |part| {
        let rows = growth.tags.iter().map(|grown| row(grown, part)).collect();
        let tags = TagTable::new(AllocCounting::OutstandingOnly, false, rows);
        Snapshot { tags: Some(tags), ..Snapshot::default() }
    };
    let (before, after) = (picture(0), picture(1));
    let pictures = [(Some(0), &before), (Some(growth.over_s.unwrap_or(0)), &after)];
    let mut case = CaseFile::from_pictures(Timestamp::UNIX_EPOCH, None, &pictures, &[]);
    for series in &mut case.tags {
        // What uses nothing is not counted as measured.
        for values in [&mut series.outstanding, &mut series.bytes] {
            values[0] = if values[0] == MISSING { 0 } else { values[0] };
        }
    }
    case.name_owners(catalogue);
    case
}

/// An event of which not the whole record is known. One without a time is taken to belong to the
/// moment that is judged.
fn event(told: &UndatedEvent, now: Timestamp) -> Option<Event> {
    let provider = match told.kind {
        EventKind::PoolEmpty(_) | EventKind::PoolLimit(_) => "Srv",
        EventKind::CommitExhausted => "Microsoft-Windows-Resource-Exhaustion-Detector",
        EventKind::RegistryFlushFailed | EventKind::Restart | EventKind::Other => return None,
    };
    Some(Event {
        channel: "System".to_owned(),
        record_id: 0,
        time: told.at_s.and_then(date).unwrap_or(now),
        provider: provider.to_owned(),
        event_id: told.event_id,
        level: None,
        computer: None,
        data: Vec::new(),
        exhaustion: None,
    })
}

/// Whose tags may be by what Driver Verifier counted.
fn verified(drivers: &[VerifiedDriver]) -> impl Iterator<Item = Owner> {
    drivers.iter().flat_map(|driver| {
        driver.tags.iter().map(|(tag, _)| Owner {
            tag: *tag,
            driver: driver.name.clone(),
            source: OwnerSource::Scan,
        })
    })
}
