//! What is stored of hosts and known of the fleet, as detection asks for it.

mod fleet;

use std::sync::Arc;

use jiff::Timestamp;
use poolwatch_analysis::{CaseFile, catalogue::Catalogue};
use poolwatch_detection::history::{History, Period};
use poolwatch_model::{
    HostId, PoolTag, Snapshot,
    comparison::{AttributeCounts, Change},
    driver_scan::{FileHash, FoundTag},
    event::{Event, EventKind},
    history::{
        HostHistory, MISSING, Moment, ProcessFigures, ProcessSeries, TagFigures, TagSeries,
        WantedSeries,
    },
    host::HostFacts,
    incident::{Cause, Incident},
    inventory::Driver,
};
use poolwatch_store::{
    driver_scans,
    events::{self, EventFilter},
    hosts,
    incidents::{self, IncidentFilter},
    inventories,
    read::{self, Past},
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
        let past = read::moments(self.db, host, period.from, period.fine_from, period.to).await?;
        let lacks_processes = past.iter().any(|past| past.lacks_processes);
        let mut moments: Vec<(Moment, Snapshot)> = past.into_iter().map(moment).collect();
        // An import may be known to memory alone.
        if moments.is_empty()
            && let Some(snapshot) = self.app.latest_snapshot(self.db, host, period.to).await?
        {
            let moment = Moment { at_s: period.to.as_second(), boot: 0, uptime_s: None };
            moments.push((moment, snapshot));
        }
        let snapshots: Vec<_> =
            moments.iter().map(|(moment, snapshot)| (*moment, snapshot)).collect();
        let file = CaseFile::from_snapshots(period.to, None, &snapshots, &[]);
        let figures: Vec<TagFigures> = file.tags.iter().map(tag_figures).collect();
        let tags = wanted.choose_tags(&figures);
        let figures: Vec<ProcessFigures> = file.processes.iter().map(process_figures).collect();
        let processes = wanted.choose_processes(&figures);
        Ok(HostHistory {
            axis: file.axis,
            memory: file.memory,
            all_processes: file.all_processes && !lacks_processes,
            tags: tags.into_iter().map(|at| file.tags[at].clone()).collect(),
            processes: processes.into_iter().map(|at| file.processes[at].clone()).collect(),
            object_types: file.object_types,
            pools: file.pools,
            committed: file.committed,
            live_processes: file.live_processes,
        })
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

fn moment(past: Past) -> (Moment, Snapshot) {
    let moment = Moment {
        at_s: past.at.as_second(),
        boot: past.boot_no.cast_unsigned(),
        uptime_s: past.uptime_s,
    };
    (moment, past.snapshot)
}

fn tag_figures(series: &TagSeries) -> TagFigures {
    let (bytes, bytes_gained) = last_and_gain(&series.bytes);
    let (outstanding, gained) = last_and_gain(&series.outstanding);
    let ranked = [bytes, outstanding, bytes_gained, gained];
    TagFigures { tag: series.tag, pool: series.pool, ranked }
}

fn process_figures(series: &ProcessSeries) -> ProcessFigures {
    let most = |values: &[u64]| values.iter().copied().filter(|v| *v != MISSING).max().unwrap_or(0);
    let (_, handles_gained) = last_and_gain(&series.handles);
    let (_, private_gained) = last_and_gain(&series.private_bytes);
    ProcessFigures {
        ranked: [
            most(&series.handles),
            most(&series.threads),
            most(&series.private_bytes),
            handles_gained,
            private_gained,
        ],
    }
}

/// The latest value, and what it is above the least.
fn last_and_gain(values: &[u64]) -> (u64, u64) {
    let known = || values.iter().copied().filter(|value| *value != MISSING);
    let last = known().next_back().unwrap_or(0);
    (last, last - known().min().unwrap_or(last).min(last))
}
