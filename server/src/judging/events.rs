//! What an event leads to, in the transaction that stores it: a judgement of the hours before it,
//! kept as they were.

use jiff::Timestamp;
use poolwatch_analysis::around;
use poolwatch_model::{
    HostId,
    event::{Event, EventKind},
    incident::Trigger,
};
use poolwatch_store::{hosts, incidents};
use sqlx::PgConnection;

use super::{
    case,
    record::{self, Judged, Kind},
};
use crate::{alerts, app::App, failure::Failure};

/// Acts on a new event that is no history.
///
/// # Errors
/// When the database fails; the event is not stored either then.
pub async fn on_event(
    app: &App,
    db: &mut PgConnection,
    host: HostId,
    event: &Event,
    now: Timestamp,
) -> Result<(), Failure> {
    let trigger = match event.kind() {
        EventKind::PoolEmpty(pool) => Trigger::PoolEmpty { pool },
        EventKind::CommitExhausted => Trigger::CommitExhausted,
        _ => return Ok(()),
    };
    let Some(host) = hosts::find(db, host).await? else { return Ok(()) };
    let mut case = case::load(app, db, &host, now).await?;
    // The event counts by its own time, whatever the host's clock makes of it.
    case.events.retain(|known| known != event);
    case.events.push(event.clone());
    case.now = event.time;
    let uptime_s = case.axis.last().and_then(|moment| moment.uptime_s).unwrap_or(0);
    let (diagnoses, picture) = tokio::task::spawn_blocking({
        let at = event.time;
        move || (poolwatch_analysis::judge(&case), around::picture(&case, trigger, at))
    })
    .await
    .map_err(Failure::internal)?;
    let judged = Judged {
        host: host.id,
        at: event.time,
        uptime_s,
        diagnoses: &diagnoses,
        outcomes: &[],
        kind: Kind::Event,
    };
    let outcome = record::record(db, &judged).await?;
    for incident in &outcome.incidents {
        incidents::set_picture(db, *incident, &picture).await?;
    }
    for notice in &outcome.notices {
        alerts::incident::enqueue(app, db, &host, notice, Some(event), now).await?;
    }
    Ok(())
}
