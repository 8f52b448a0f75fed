//! The case file of a host, from what is stored of it.

use jiff::{SignedDuration, Timestamp};
use poolwatch_analysis::CaseFile;
use poolwatch_model::{
    Snapshot,
    event::{Event, EventKind},
    history::Moment,
    inventory::Inventory,
};
use poolwatch_store::{
    events::{self, EventFilter},
    hosts::Host,
    inventories,
    read::{self, Past},
};
use sqlx::PgConnection;

use super::{comparison, peers};
use crate::{app::App, failure::Failure, fleet::load};

/// How far back a host is studied, by its minima of ten minutes.
const BACK: SignedDuration = SignedDuration::from_hours(72);
/// Changes of drivers that are looked at, the latest, and for how long they tell.
const CHANGES: i64 = 200;
const CHANGED: SignedDuration = SignedDuration::from_hours(10 * 24);
/// Events that are looked at, the latest.
const EVENTS: i64 = 200;

/// Everything that is known of a host now.
///
/// # Errors
/// When the database fails.
pub async fn load(
    app: &App,
    db: &mut PgConnection,
    host: &Host,
    now: Timestamp,
) -> Result<CaseFile, Failure> {
    let since = now.saturating_sub(BACK).unwrap_or(Timestamp::MIN);
    let past = read::moments(db, host.id, since, now).await?;
    let lacks_processes = past.iter().any(|past| past.lacks_processes);
    let mut moments: Vec<(Moment, Snapshot)> = past.into_iter().map(moment).collect();
    if moments.is_empty()
        && let Some(snapshot) = load::snapshot(app, db, host.id, now).await?
    {
        moments.push((Moment { at_s: now.as_second(), boot: 0, uptime_s: None }, snapshot));
    }
    let events = bearing_events(db, host, since).await?;
    let Inventory { drivers, .. } = inventories::find(db, host.id).await?.unwrap_or_default();
    let snapshots: Vec<_> = moments.iter().map(|(moment, snapshot)| (*moment, snapshot)).collect();
    let mut case = CaseFile::from_snapshots(now, host.facts.os.as_ref(), &snapshots, &events);
    case.memory.physical = case.memory.physical.or(host.facts.physical);
    case.all_processes &= !lacks_processes;
    case.drivers = drivers;
    let changed = now.saturating_sub(CHANGED).unwrap_or(Timestamp::MIN);
    case.changes = inventories::changes_of(db, host.id, changed, CHANGES).await?;
    case.peers = peers::of(app, host, &case);
    case.fleet = comparison::told(db).await?;
    case.name_owners(&app.tag_names.catalogue());
    Ok(case)
}

fn moment(past: Past) -> (Moment, Snapshot) {
    let moment = Moment {
        at_s: past.at.as_second(),
        boot: past.boot_no.cast_unsigned(),
        uptime_s: past.uptime_s,
    };
    (moment, past.snapshot)
}

/// Events that bear on pool, without history.
async fn bearing_events(
    db: &mut PgConnection,
    host: &Host,
    since: Timestamp,
) -> Result<Vec<Event>, Failure> {
    let filter = EventFilter { host: Some(host.id), since: Some(since), ..EventFilter::default() };
    let found = events::list(db, &filter, EVENTS, 0).await?;
    Ok(found
        .into_iter()
        .filter(|found| !found.history)
        .map(|found| found.event)
        .filter(|event| !matches!(event.kind(), EventKind::Restart | EventKind::Other))
        .collect())
}
