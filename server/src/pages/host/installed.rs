//! What is installed on a host.

use std::{cmp::Reverse, collections::HashMap};

use poolwatch_model::{
    HostId,
    driver_scan::{FileHash, FoundTag, OWNS},
    inventory::Driver,
};
use poolwatch_store::{driver_scans, inventories, is_of_stored_row};
use poolwatch_web::host::{InstalledView, LoadedDriverRow};
use sqlx::PgConnection;

use crate::app_error::AppError;

/// Drivers that are shown, and tags of each.
const DRIVERS: usize = 60;
const TAGS: usize = 6;

/// What a host told last of what is installed on it, with what scans found in its drivers.
pub(super) async fn of_host(
    db: &mut PgConnection,
    host: HostId,
) -> Result<Option<InstalledView>, AppError> {
    let inventory = match inventories::find(db, host).await {
        // The page says so by its facts, and shows what else there is.
        Err(error) if is_of_stored_row(&error) => None,
        found => found?,
    };
    let Some(inventory) = inventory else { return Ok(None) };
    let all_drivers = inventory.drivers.len();
    let of_others: Vec<Driver> = inventory.drivers.into_iter().filter(is_of_others).collect();
    let files: Vec<FileHash> = of_others.iter().filter_map(|driver| driver.sha256).collect();
    let mut tags: HashMap<FileHash, Vec<FoundTag>> = HashMap::new();
    for holder in driver_scans::tags_of_files(db, &files, (DRIVERS * TAGS * 4) as i64).await? {
        tags.entry(holder.sha256).or_default().push(holder.found);
    }
    let mut drivers: Vec<LoadedDriverRow> = of_others
        .into_iter()
        .map(|driver| {
            let mut found = driver.sha256.and_then(|file| tags.remove(&file)).unwrap_or_default();
            found.retain(|tag| tag.likelihood() >= OWNS);
            found.sort_by(|a, b| b.likelihood().total_cmp(&a.likelihood()));
            LoadedDriverRow {
                name: driver.name,
                version: driver.version,
                company: driver.company,
                tags: found.into_iter().take(TAGS).map(|found| found.tag).collect(),
            }
        })
        .collect();
    drivers.sort_by_key(|row| Reverse(!row.tags.is_empty()));
    drivers.truncate(DRIVERS);
    Ok(Some(InstalledView {
        drivers,
        all_drivers,
        model: inventory.machine_model,
        role: inventory.role,
        updates: inventory.updates.len(),
        programs: inventory.programs.len(),
        program_files: inventory.program_files,
        cluster: inventory.cluster,
        settings: inventory.pool_settings,
    }))
}

/// Whether its file was read and does not say that it is of Windows.
fn is_of_others(driver: &Driver) -> bool {
    let company = driver.company.as_deref();
    driver.sha256.is_some() && !company.is_some_and(|company| company.starts_with("Microsoft"))
}
