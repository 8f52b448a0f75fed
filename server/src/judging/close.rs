//! Somebody says that an incident is over.

use jiff::Timestamp;
use poolwatch_model::incident::{IncidentId, IncidentState};
use poolwatch_store::{StoreError, incidents};
use sqlx::PgConnection;

use super::record::{new_standing, standing_of};

/// Resolves an incident by the word of a person. Returns whether there is such an incident.
///
/// # Errors
/// When the database fails.
pub async fn close(
    db: &mut PgConnection,
    id: IncidentId,
    by: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let Some(known) = incidents::lock(db, id).await? else { return Ok(false) };
    let mut standing = standing_of(&known);
    if standing.state != IncidentState::Resolved {
        standing.close(now);
        incidents::stand(db, id, &new_standing(&standing)?, now, Some(by)).await?;
    }
    Ok(true)
}
