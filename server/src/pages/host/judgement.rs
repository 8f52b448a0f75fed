//! What is known of one host now, and the judgement on it.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use poolwatch_analysis::{Observation, diagnose};
use poolwatch_detection::record::keep_suspects;
use poolwatch_model::{
    Bytes, HostId, Snapshot,
    diagnosis::{Diagnosis, TimeLeft, Verdict},
    event::{Event, EventKind},
    incident::Incident,
};
use poolwatch_store::{
    events::{self, EventFilter},
    hosts,
    incidents::{self, IncidentFilter},
};
use poolwatch_web::hosts::HostSource;
use sqlx::PgConnection;

use crate::{
    app::App,
    app_error::AppError,
    fleet::{
        baselines::Window,
        host::State,
        load_baselines::{self, BaselineTags},
        roster::{self, HostTrouble},
        view::HostSummary,
    },
    pages::{presence, rows},
};

/// Events that bear on a judgement are this old at most.
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// Events that are looked at, the latest.
const EVENTS: i64 = 200;
/// Incidents of one host that are looked at.
const INCIDENTS: i64 = 20;

/// What is known of one host now.
pub(in crate::pages) struct Known {
    /// In short.
    pub(in crate::pages) summary: HostSummary,
    /// The latest snapshot.
    pub(in crate::pages) snapshot: Option<Snapshot>,
    /// Its tags about a day earlier.
    pub(in crate::pages) before: Option<BaselineTags>,
    /// Its worst incident that is not resolved.
    pub(in crate::pages) incident: Option<Incident>,
    /// The judgement of the open incident, else of the latest snapshot.
    pub(in crate::pages) diagnosis: Option<Diagnosis>,
}

/// What is known of a host in short; `None` when there is no such host.
pub(super) async fn summary(
    app: &App,
    db: &mut PgConnection,
    id: HostId,
    now: Timestamp,
) -> Result<Option<HostSummary>, AppError> {
    let Some(host) = hosts::find(db, id).await? else { return Ok(None) };
    let (host, names) = (Arc::new(host), &app.fleet.shared().names);
    Ok(Some(match app.fleet.known(id) {
        Some(live) => roster::summary(
            host,
            &live.read(),
            names,
            HostTrouble::default(),
            (app.settings.interval_s, now),
        ),
        None => roster::summary(
            host,
            &State::default(),
            names,
            HostTrouble::default(),
            (app.settings.interval_s, now),
        ),
    }))
}

/// What is known of a host; `None` when there is no such host.
pub(in crate::pages) async fn known(
    app: &App,
    db: &mut PgConnection,
    id: HostId,
    now: Timestamp,
) -> Result<Option<Known>, AppError> {
    // First of all: what waits in the database counts in the summary as well.
    let snapshot = app.latest_snapshot(db, id, now).await?;
    let Some(summary) = summary(app, db, id, now).await? else { return Ok(None) };
    let before = load_baselines::baseline_of_host(db, id, Window::Day, now).await?;
    let incident = worst_incident(db, id).await?;
    let open = incident.as_ref().filter(|incident| incident.state.is_active());
    let diagnosis = match open {
        Some(incident) => Some(finding(db, incident, id).await?),
        None => {
            let source = presence::source(&summary);
            let events = relevant_events(db, id, source, now).await?;
            let judged = judge(&summary, snapshot.as_ref(), before.as_ref(), &events, now);
            // A study sees more than two moments do.
            let watching = app.fleet.known(id).and_then(|live| live.watching(now));
            let is_calm = |one: &Diagnosis| {
                matches!(one.verdict, Verdict::NoLeakShown | Verdict::InsufficientEvidence)
            };
            if judged.as_ref().is_none_or(is_calm) { watching.or(judged) } else { judged }
        }
    };
    Ok(Some(Known { summary, snapshot, before, incident, diagnosis }))
}

/// How long a pool of a host lasts by its open incident, and what is left of the pool.
pub(super) async fn time_left(
    db: &mut PgConnection,
    id: HostId,
) -> Result<Option<(TimeLeft, Bytes)>, AppError> {
    let incident = worst_incident(db, id).await?;
    let Some(incident) = incident.filter(|incident| incident.state.is_active()) else {
        return Ok(None);
    };
    let diagnosis = finding(db, &incident, id).await?;
    let left = diagnosis.time_left.zip(diagnosis.headroom);
    Ok(left.filter(|(left, room)| left.pool == room.pool).map(|(left, room)| (left, room.left)))
}

async fn worst_incident(db: &mut PgConnection, id: HostId) -> Result<Option<Incident>, AppError> {
    let filter = IncidentFilter { host: Some(id), unresolved: true, ..Default::default() };
    let mut incidents = incidents::list(db, filter, INCIDENTS).await?;
    rows::sort_incidents(&mut incidents);
    Ok(incidents.into_iter().next())
}

/// What an incident says of this host: its own judgement, with whom the incident names.
async fn finding(
    db: &mut PgConnection,
    incident: &Incident,
    id: HostId,
) -> Result<Diagnosis, AppError> {
    let of_host = incidents::host_diagnosis(db, incident.id, id).await?;
    let mut diagnosis = of_host.unwrap_or_else(|| incident.diagnosis.clone());
    keep_suspects(&mut diagnosis, &incident.diagnosis);
    Ok(diagnosis)
}

/// Events that the judgement may rest on. Imported ones may be of any age.
async fn relevant_events(
    db: &mut PgConnection,
    id: HostId,
    source: HostSource,
    now: Timestamp,
) -> Result<Vec<Event>, AppError> {
    let since = match source {
        HostSource::Agent => now.saturating_sub(DAY).ok(),
        HostSource::Imported => None,
    };
    let filter = EventFilter { host: Some(id), since, ..EventFilter::default() };
    let found = events::list(db, &filter, EVENTS, 0).await?;
    let bears = |event: &Event| !matches!(event.kind(), EventKind::Restart | EventKind::Other);
    Ok(found.into_iter().map(|found| found.event).filter(bears).collect())
}

/// The judgement; `None` while nothing was received.
fn judge(
    summary: &HostSummary,
    snapshot: Option<&Snapshot>,
    before: Option<&BaselineTags>,
    events: &[Event],
    now: Timestamp,
) -> Option<Diagnosis> {
    if snapshot.is_none() && events.is_empty() {
        return None;
    }
    let empty = Snapshot::default();
    let snapshot = snapshot.unwrap_or(&empty);
    let earlier = before.zip(summary.at).map(|(before, at)| {
        let tags: &poolwatch_model::tag::TagTable = &before.tags;
        (tags, at.duration_since(before.at))
    });
    Some(diagnose(&Observation {
        now: moment(summary, events, now),
        os: summary.host.facts.os.as_ref(),
        snapshot,
        earlier,
        events,
    }))
}

/// The moment to judge as of. Evidence that was imported is judged as of when it was taken: texts
/// seldom tell when that was, but events do.
fn moment(summary: &HostSummary, events: &[Event], now: Timestamp) -> Timestamp {
    match presence::source(summary) {
        HostSource::Agent => now,
        HostSource::Imported => {
            let newest = events.iter().map(|event| event.time).max();
            newest.or(summary.at).unwrap_or(now)
        }
    }
}
