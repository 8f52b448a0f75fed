//! Affected hosts of incidents are set against healthy ones.

use jiff::Timestamp;
use poolwatch_detection::comparison::{ComparisonSchedule, compare_hosts, host_to_name_owner};
use poolwatch_model::{HostId, incident::Incident};
use poolwatch_store::incidents;

use crate::{app::SharedApp, app_error::AppError, history::FleetNow};

/// Compares the incidents that are due. Returns a host of each whose owner is not known: diagnosed
/// again, it may tell now.
///
/// # Errors
/// When the database fails.
pub async fn compare_due(
    app: &SharedApp,
    schedule: &mut ComparisonSchedule,
    now: Timestamp,
) -> Result<Vec<HostId>, AppError> {
    let view = app.fleet.view();
    let due: Vec<Incident> =
        schedule.due_incidents(&view.incidents, now).into_iter().cloned().collect();
    let mut unknown = Vec::new();
    for incident in due {
        let (of, affected) = (app.clone(), incident.hosts.clone());
        let compare = move || compare_hosts(&FleetNow::new(&of.fleet, now), &affected);
        let found = tokio::task::spawn_blocking(compare).await.map_err(AppError::internal)?;
        incidents::set_comparison(&mut *app.background_pool.acquire().await?, incident.id, &found)
            .await?;
        schedule.note_compared(&incident, now);
        unknown.extend(host_to_name_owner(&incident));
    }
    Ok(unknown)
}
