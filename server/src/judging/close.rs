//! Incidents that end without having been found to end: by the word of a person, or because nobody
//! heard of their hosts for long.

use jiff::Timestamp;
use poolwatch_model::incident::{IncidentId, IncidentState};
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
