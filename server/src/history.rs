//! What is stored of hosts and known of the fleet, as detection asks for it.

mod fleet;

use std::sync::Arc;

use jiff::Timestamp;
use poolwatch_analysis::catalogue::Catalogue;
use poolwatch_detection::history::{History, Period};
use poolwatch_model::{
    HostId, PoolTag,
    comparison::{AttributeCounts, Change},
    driver_scan::{FileHash, FoundTag},
    event::{Event, EventKind},
    history::{HostHistory, Moment, WantedSeries},
    host::HostFacts,
    incident::{Cause, Incident},
    inventory::Driver,
    process::ProcessHandles,
};
use poolwatch_store::{
    driver_scans,
    events::{self, EventFilter},
    hosts,
    incidents::{self, IncidentFilter},
    inventories, read,
};
use sqlx::PgConnection;

pub use fleet::FleetNow;

use crate::{app::App, app_error::AppError};

/// What the database and the fleet's memory hold.
#[derive(Debug)]
pub struct StoredHistory<'a> {
    app: &'a App,
    db: &'a mut PgConnection,
    fleet: FleetNow<'a>,
}

impl<'a> StoredHistory<'a> {
    /// What is known at this moment.
    pub fn new(app: &'a App, db: &'a mut PgConnection, now: Timestamp) -> Self {
        Self { app, db, fleet: FleetNow::new(&app.fleet, now) }
    }
}

impl<'a> History for StoredHistory<'a> {
    type Error = AppError;
    type Fleet = FleetNow<'a>;

    async fn facts(&mut self, host: HostId) -> Result<Option<HostFacts>, AppError> {
        Ok(hosts::find(self.db, host).await?.map(|host| host.facts))
    }

    async fn series(
        &mut self,
        host: HostId,
        period: Period,
        wanted: &WantedSeries,
    ) -> Result<HostHistory, AppError> {
        let times = (period.from, period.fine_from, period.to);
        let history = read::host_history(self.db, host, times, wanted).await?;
        if !history.axis.is_empty() {
            return Ok(history);
        }
        // An import may be known to memory alone.
        let Some(snapshot) = self.app.latest_snapshot(self.db, host, period.to).await? else {
            return Ok(history);
        };
        let moment = Moment { at_s: period.to.as_second(), boot: 0, uptime_s: None };
        Ok(HostHistory::from_snapshots(&[(moment, &snapshot)]).keep_wanted(wanted))
    }

    async fn events(
        &mut self,
        host: HostId,
        since: Timestamp,
        most: usize,
    ) -> Result<Vec<Event>, AppError> {
        let filter = EventFilter { host: Some(host), since: Some(since), ..EventFilter::default() };
        let found = events::list(self.db, &filter, rows(most), 0).await?;
        Ok(found
            .into_iter()
            .filter(|found| !found.history)
            .map(|found| found.event)
            .filter(|event| !matches!(event.kind(), EventKind::Restart | EventKind::Other))
            .collect())
    }

    async fn drivers(&mut self, host: HostId) -> Result<Vec<Driver>, AppError> {
        Ok(inventories::find(self.db, host).await?.unwrap_or_default().drivers)
    }

    async fn handles_by_type(&mut self, host: HostId) -> Result<Vec<ProcessHandles>, AppError> {
        let live = self.app.fleet.known(host);
        Ok(live.map(|live| live.handles_by_type()).unwrap_or_default())
    }

    async fn tags_in_drivers(
        &mut self,
        drivers: &[Driver],
        tags: &[PoolTag],
    ) -> Result<Vec<(String, FoundTag)>, AppError> {
        let files: Vec<FileHash> = drivers.iter().filter_map(|driver| driver.sha256).collect();
        if files.is_empty() || tags.is_empty() {
            return Ok(Vec::new());
        }
        let holders = driver_scans::holders(self.db, &files, tags).await?;
        Ok(holders.into_iter().map(|holder| (holder.name, holder.found)).collect())
    }

    async fn changes(
        &mut self,
        host: HostId,
        since: Timestamp,
        most: usize,
    ) -> Result<Vec<Change>, AppError> {
        Ok(inventories::changes_of(self.db, host, since, rows(most)).await?)
    }

    async fn incidents(&mut self, host: HostId, most: usize) -> Result<Vec<Incident>, AppError> {
        let filter = IncidentFilter { host: Some(host), unresolved: true, ..Default::default() };
        Ok(incidents::list(self.db, filter, rows(most)).await?)
    }

    async fn comparisons(
        &mut self,
        most: usize,
    ) -> Result<Vec<(Cause, Vec<AttributeCounts>)>, AppError> {
        Ok(incidents::comparisons(self.db, rows(most)).await?)
    }

    fn catalogue(&self) -> Arc<Catalogue> {
        self.app.tag_names.catalogue()
    }

    fn fleet(&self) -> &FleetNow<'a> {
        &self.fleet
    }
}

fn rows(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}
