//! Silences: which hosts an incident is on, as silences and recipients see them, and silences that end
//! because their incident is worse.

use jiff::Timestamp;
use poolwatch_detection::{
    alerting::{ScopedHost, is_worse},
    lifecycle::IncidentLifecycle,
};
use poolwatch_model::{
    HostId,
    alerting::{IncidentExtent, SilenceId},
    host_group::groups_of_host,
    incident::{Incident, IncidentChange, IncidentId},
};
use poolwatch_store::{
    StoreError, host_groups,
    hosts::{self, Host},
    incidents, silences,
};
use sqlx::{Connection, PgConnection};
use tracing::{error, info};

use super::incident::enqueue;
use crate::{
    app::App,
    app_error::AppError,
    judging::record::{self, Notice},
    scoped_host::scope_host,
};

/// The hosts of an incident; the one that was found last where it goes on nowhere.
///
/// # Errors
/// When the database fails.
pub async fn scoped_hosts(
    db: &mut PgConnection,
    incident: &Incident,
    found_on: HostId,
) -> Result<Vec<ScopedHost>, StoreError> {
    let ids = if incident.hosts.is_empty() { &[found_on][..] } else { &incident.hosts };
    scope_hosts(db, ids).await
}

/// Hosts as silences, rules and recipients see them.
///
/// # Errors
/// When the database fails.
pub async fn scope_hosts(
    db: &mut PgConnection,
    ids: &[HostId],
) -> Result<Vec<ScopedHost>, StoreError> {
    let groups = host_groups::list(db).await?;
    let scoped = |host: &Host| {
        let numbers = groups_of_host(&groups, &host.facts, &host.labels, &host.put_into);
        scope_host(host, &groups, &numbers)
    };
    Ok(hosts::find_all(db, ids).await?.iter().map(scoped).collect())
}

/// How bad an incident is now; none where there is no such incident.
///
/// # Errors
/// When the database fails, or what is remembered of the incident cannot be read.
pub async fn extent(
    db: &mut PgConnection,
    id: IncidentId,
) -> Result<Option<IncidentExtent>, StoreError> {
    let Some(known) = incidents::lock(db, id).await? else { return Ok(None) };
    Ok(Some(record::read_lifecycle(&known)?.extent()))
}

/// Ends silences whose incidents are worse than when they were silenced, and says so, each by itself. Returns how many.
///
/// # Errors
/// When the silences cannot be read.
pub async fn end_outgrown(app: &App, now: Timestamp) -> Result<usize, AppError> {
    let mut db = app.pool.acquire().await?;
    let mut ended = 0;
    for silence in silences::ending_after(&mut db, now).await? {
        let Some((incident, than)) = silence.matcher.incident.zip(silence.worse_than) else {
            continue;
        };
        match end_if_outgrown(&mut db, silence.id, incident, than, now).await {
            Ok(is_ended) => ended += usize::from(is_ended),
            Err(error) => error!(incident = incident.0, %error, "A silence was not looked at"),
        }
    }
    Ok(ended)
}

async fn end_if_outgrown(
    db: &mut PgConnection,
    silence: SilenceId,
    incident: IncidentId,
    than: IncidentExtent,
    now: Timestamp,
) -> Result<bool, AppError> {
    let mut transaction = db.begin().await?;
    let Some(known) = incidents::lock(&mut transaction, incident).await? else { return Ok(false) };
    let lifecycle: IncidentLifecycle = record::read_lifecycle(&known)?;
    let extent = lifecycle.extent();
    if !is_worse(extent, than) || !silences::end(&mut transaction, silence, None, now).await? {
        return Ok(false);
    }
    if let Some(host) = known.worst.or_else(|| lifecycle.hosts.keys().next().copied()) {
        let (change, is_urgent) = (IncidentChange::Worsened, extent.is_urgent);
        let notice = Notice { incident, change, host, at: now, is_urgent };
        enqueue(&mut transaction, &notice, None, now).await?;
    }
    transaction.commit().await?;
    info!(incident = incident.0, silence = silence.0, ?extent, "Worse than when it was silenced");
    Ok(true)
}
