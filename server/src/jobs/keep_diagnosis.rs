//! What becomes of a host's diagnosis: incidents and mails, in one transaction.

use jiff::Timestamp;
use poolwatch_detection::HostDiagnosis;
use poolwatch_model::{event::Event, incident::IncidentId};
use sqlx::PgConnection;

use crate::{
    alerts,
    app_error::AppError,
    judging::record::{self, Judged, Kind},
};

/// Keeps a diagnosis, with the mails that follow. Returns the incidents that the host is part of by
/// it. An `event` is a finding each time; without one, what was not found is not there.
///
/// # Errors
/// When the database fails.
pub(super) async fn keep_diagnosis(
    db: &mut PgConnection,
    found: &HostDiagnosis,
    event: Option<&Event>,
    now: Timestamp,
) -> Result<Vec<IncidentId>, AppError> {
    let judged = judged(found, if event.is_some() { Kind::Event } else { Kind::Study });
    let outcome = record::record(db, &judged).await?;
    for notice in &outcome.notices {
        alerts::incident::enqueue(db, notice, event, now).await?;
    }
    Ok(outcome.incidents)
}

pub(super) fn judged(found: &HostDiagnosis, kind: Kind) -> Judged<'_> {
    Judged {
        host: found.host,
        at: found.at,
        uptime_s: found.uptime_s,
        diagnoses: &found.diagnoses,
        outcomes: &found.outcomes,
        kind,
    }
}
