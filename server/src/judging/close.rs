//! Incidents that end, come back or become one without having been found to: by the word of a person,
//! or because nobody heard of their hosts for long.

use jiff::Timestamp;
use poolwatch_model::incident::{IncidentId, IncidentState, Noted};
use poolwatch_store::{StoreError, incidents};
use sqlx::PgConnection;

use super::record::{keep_record, read_lifecycle};

/// Resolves an incident, `by` a person if one says so. Returns whether there is such an incident.
///
/// # Errors
/// When the database fails, or what is remembered of the incident cannot be read.
pub async fn close(
    db: &mut PgConnection,
    id: IncidentId,
    by: Option<&str>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let Some(known) = incidents::lock(db, id).await? else { return Ok(false) };
    let mut lifecycle = read_lifecycle(&known)?;
    if lifecycle.state != IncidentState::Resolved {
        lifecycle.close(now);
        keep_record(db, &known, &lifecycle, now, by).await?;
    }
    Ok(true)
}

/// Opens an incident again by the word of a person. Returns whether there is one that is over and part
/// of no other.
///
/// # Errors
/// As [`close`].
pub async fn reopen(
    db: &mut PgConnection,
    id: IncidentId,
    by: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let Some(known) = incidents::lock(db, id).await? else { return Ok(false) };
    let mut lifecycle = read_lifecycle(&known)?;
    let is_part = incidents::details(db, id).await?.merged_into.is_some();
    if lifecycle.state != IncidentState::Resolved || is_part {
        return Ok(false);
    }
    lifecycle.reopen(now);
    incidents::note(db, id, &Noted::Reopened, by, now).await?;
    keep_record(db, &known, &lifecycle, now, Some(by)).await?;
    Ok(true)
}

/// Makes an incident part of another by the word of a person. Returns whether both are there, neither
/// is part of a third, and the other one goes on.
///
/// # Errors
/// As [`close`].
pub async fn merge(
    db: &mut PgConnection,
    from: IncidentId,
    into: IncidentId,
    by: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    // In the order of their numbers: two merges never wait for each other in a circle.
    for id in [from.min(into), from.max(into)] {
        incidents::lock(db, id).await?;
    }
    let (Some(part), Some(whole)) =
        (incidents::lock(db, from).await?, incidents::lock(db, into).await?)
    else {
        return Ok(false);
    };
    let (mut of_part, mut of_whole) = (read_lifecycle(&part)?, read_lifecycle(&whole)?);
    let is_over = of_whole.state == IncidentState::Resolved;
    if from == into || is_over || !incidents::merge(db, from, into).await? {
        return Ok(false);
    }
    of_whole.take_in(of_part.clone());
    if of_part.state != IncidentState::Resolved {
        of_part.close(now);
        keep_record(db, &part, &of_part, now, Some(by)).await?;
    }
    keep_record(db, &whole, &of_whole, now, Some(by)).await?;
    incidents::note(db, from, &Noted::MergedInto(into), by, now).await?;
    incidents::note(db, into, &Noted::TookIn(from), by, now).await?;
    Ok(true)
}
