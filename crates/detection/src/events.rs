//! What an event leads to: a diagnosis of the hours before it, kept as they were.

use poolwatch_analysis::around;
use poolwatch_model::{
    event::{Event, EventKind},
    incident::{Cause, Picture, Trigger},
};

use crate::case::{Case, HostDiagnosis};

/// A diagnosis of a host at an event.
#[derive(Debug, Clone, PartialEq)]
pub struct EventDiagnosis {
    /// The event.
    pub event: Event,
    /// What is wrong with its host.
    pub diagnosis: HostDiagnosis,
    /// The hours before it.
    pub picture: Picture,
}

/// What an event is the trigger of; `None` for one that leads to nothing.
#[must_use]
pub fn event_trigger(event: &Event) -> Option<Trigger> {
    match event.kind() {
        EventKind::PoolEmpty(pool) => Some(Trigger::PoolEmpty { pool }),
        EventKind::CommitExhausted => Some(Trigger::CommitExhausted),
        _ => None,
    }
}

/// Diagnoses a host for events that were not diagnosed before: once for each trigger, at its latest
/// event, in the order of these.
#[must_use]
pub fn diagnose_events(mut case: Case, events: &[Event]) -> Vec<EventDiagnosis> {
    let mut latest: Vec<(Trigger, &Event)> = Vec::new();
    for event in events {
        let Some(trigger) = event_trigger(event) else { continue };
        match latest.iter_mut().find(|(of, _)| *of == trigger) {
            Some((_, known)) if known.time >= event.time => {}
            Some((_, known)) => *known = event,
            None => latest.push((trigger, event)),
        }
    }
    latest.sort_by_key(|(_, event)| (event.time, event.record_id));
    case.incidents.clear();
    let mut known = std::mem::take(&mut case.file.events);
    known.retain(|one| !events.contains(one));
    known.extend(events.iter().cloned());
    latest
        .into_iter()
        .map(|(trigger, event)| diagnose_event(&mut case, &known, trigger, event))
        .collect()
}

fn diagnose_event(
    case: &mut Case,
    known: &[Event],
    trigger: Trigger,
    event: &Event,
) -> EventDiagnosis {
    // The event counts by its own time, whatever the host's clock makes of it, and what was written
    // later is another event's.
    case.file.now = event.time;
    let before = known.iter().filter(|one| one.time <= event.time);
    case.file.events = before.cloned().collect();
    EventDiagnosis {
        event: event.clone(),
        diagnosis: HostDiagnosis { at: event.time, ..case.diagnose() },
        picture: around::picture_before(&case.file, trigger, event.time),
    }
}

/// Whether an incident of this cause is what a trigger tells of.
#[must_use]
pub fn is_of_trigger(cause: &Cause, trigger: Trigger) -> bool {
    match trigger {
        Trigger::PoolEmpty { pool } | Trigger::PoolLimit { pool } | Trigger::Silence { pool } => {
            cause.pool() == Some(pool)
        }
        Trigger::CommitExhausted => matches!(cause, Cause::CommitExhausted { .. }),
    }
}
