//! Which events of a host count.

use jiff::SignedDuration;
use poolwatch_model::{
    diagnosis::Evidence,
    event::{Event, EventKind},
};

use crate::case::CaseFile;

/// An event counts for this long: what ran out longer ago was noticed, or is over.
const EVENT_COUNTS: SignedDuration = SignedDuration::from_hours(24);

/// Events that are recent enough to count.
pub(crate) fn recent_events(case: &CaseFile) -> impl Iterator<Item = &Event> {
    case.events.iter().filter(|event| case.now.duration_since(event.time) < EVENT_COUNTS)
}

/// The recent event by which Windows said that commit ran out.
pub(crate) fn commit_event(case: &CaseFile) -> Option<&Event> {
    recent_events(case).find(|event| event.kind() == EventKind::CommitExhausted)
}

/// Events that are too old to count, as facts with their dates: history, told and not judged by.
pub(crate) fn past_events(case: &CaseFile) -> impl Iterator<Item = Evidence> {
    let is_past = |event: &&Event| case.now.duration_since(event.time) >= EVENT_COUNTS;
    case.events.iter().filter(is_past).filter_map(|event| match event.kind() {
        EventKind::PoolEmpty(pool) => {
            Some(Evidence::PoolEmptyEvent { pool, event_id: event.event_id, time: event.time })
        }
        EventKind::CommitExhausted => Some(Evidence::CommitExhaustedEvent { time: event.time }),
        _ => None,
    })
}
