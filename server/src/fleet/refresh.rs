//! Making the fleet's view, every few seconds, beside the threads that answer requests.

use std::collections::HashMap;

use jiff::Timestamp;
use poolwatch_model::{
    HostId,
    incident::{Incident, IncidentState},
};
use poolwatch_store::incidents;

use super::{growing, roster::Roster, view::FleetView};
use crate::{app::SharedApp, failure::Failure};

/// Growing tags that are kept.
const GROWING: usize = 12;
/// Open incidents that are kept, the latest.
const INCIDENTS: i64 = 500;

/// Makes and publishes a new view, and gives the roster back. When the database fails, the view
/// before stays.
pub async fn refresh(
    app: &SharedApp,
    mut roster: Roster,
    now: Timestamp,
) -> (Roster, Result<(), Failure>) {
    let open = match prepare(app, &mut roster).await {
        Ok(open) => open,
        Err(failure) => return (roster, Err(failure)),
    };
    let app = app.clone();
    let work = move || {
        let mut marks: HashMap<HostId, usize> = HashMap::new();
        for (at, incident) in open.iter().enumerate() {
            if incident.state == IncidentState::Open {
                marks.entry(incident.cause.host()).or_insert(at);
            }
        }
        let hosts = roster.summaries(&app.fleet, &marks, now);
        let growing = growing::most(&app.fleet.shared().totals, GROWING);
        app.fleet.publish(FleetView { at: Some(now), hosts, incidents: open, growing });
        roster
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(roster) => (roster, Ok(())),
        Err(error) => (Roster::default(), Err(Failure::internal(error))),
    }
}

/// Asks the database who there is and what is open.
async fn prepare(app: &SharedApp, roster: &mut Roster) -> Result<Vec<Incident>, Failure> {
    let mut db = app.pool.acquire().await?;
    let changed = app.fleet.take_changed();
    let updated = roster.update(&mut db, &app.fleet, changed).await;
    if updated.is_err() {
        app.fleet.note_change();
    }
    updated?;
    let filter = incidents::IncidentFilter { unresolved: true, ..Default::default() };
    Ok(incidents::list(&mut db, filter, INCIDENTS).await?)
}
