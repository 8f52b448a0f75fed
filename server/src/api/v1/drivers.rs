//! `/api/v1/drivers`: drivers over all hosts.

use poolwatch_model::HostId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app_error::AppError,
    fleet::visible::VisibleFleet,
    parameters::{Json, Path, Query},
};

/// Versions of one answer.
const ROWS: usize = 1_000;

/// Which drivers.
#[derive(Debug, Deserialize)]
pub(in crate::api) struct WhichDrivers {
    #[serde(default)]
    name: String,
    #[serde(default)]
    after: usize,
}

/// A page of drivers.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct DriverList {
    /// The drivers by name, then version.
    drivers: Vec<DriverInfo>,
    /// With more to come: the value of `after` for the next page.
    next: Option<usize>,
}

/// A driver's file in one version.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct DriverInfo {
    /// File name, in small letters.
    name: String,
    /// File version, where the file tells one.
    version: Option<String>,
    /// Company that the file names.
    company: Option<String>,
    /// Hosts that have it loaded.
    hosts: usize,
}

/// Hosts that have a driver loaded.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct DriverHosts {
    /// File version, where the file tells one.
    version: Option<String>,
    /// Company that the file names.
    company: Option<String>,
    /// The hosts' numbers.
    #[schema(value_type = Vec<i32>)]
    hosts: Vec<HostId>,
}

/// Drivers and how many hosts have them loaded, a page at a time.
#[utoipa::path(get, path = "/api/v1/drivers",
    params(
        ("name" = Option<String>, Query, description = "Part of the file name"),
        ("after" = Option<usize>, Query, description = "`next` of the page before")),
    responses((status = 200, body = DriverList)))]
pub(in crate::api) async fn list(
    visible: VisibleFleet,
    Query(WhichDrivers { name, after }): Query<WhichDrivers>,
) -> Json<DriverList> {
    let name = name.to_lowercase();
    let lines = visible.drivers.lines();
    let mut rest = lines.iter().enumerate().skip(after);
    let matching = rest.by_ref().filter(|(_, (driver, _))| driver.name.contains(&name));
    let mut last = None;
    let drivers = matching
        .take(ROWS)
        .map(|(at, (driver, hosts))| {
            last = Some(at + 1);
            DriverInfo {
                name: driver.name.clone(),
                version: driver.version.clone(),
                company: driver.company.clone(),
                hosts: hosts.len(),
            }
        })
        .collect();
    let next = rest.next().and(last);
    Json(DriverList { drivers, next })
}

/// The versions of one driver, each with its hosts.
#[utoipa::path(get, path = "/api/v1/drivers/{name}",
    params(("name" = String, Path, description = "File name")),
    responses((status = 200, body = [DriverHosts]), (status = 404)))]
pub(in crate::api) async fn one(
    visible: VisibleFleet,
    Path(name): Path<String>,
) -> Result<Json<Vec<DriverHosts>>, AppError> {
    let versions = visible.drivers.versions(&name);
    if versions.is_empty() {
        return Err(AppError::not_found("No host has such a driver loaded"));
    }
    let rows = versions.iter().map(|(driver, hosts)| DriverHosts {
        version: driver.version.clone(),
        company: driver.company.clone(),
        hosts: hosts.to_vec(),
    });
    Ok(Json(rows.collect()))
}
