//! What somebody sees of the fleet: all of it, or the hosts of some groups alone. Whatever answers a
//! person or script reads hosts, incidents and drivers from here.

mod incidents;

use std::sync::Arc;

use axum::http::StatusCode;
use jiff::Timestamp;
use poolwatch_model::{
    HostId, PoolTag,
    host_group::HostGroup,
    incident::{Incident, IncidentId},
    person::Scope,
};
use poolwatch_store::{
    PgPool,
    enrolment::Candidate,
    host_groups::HostBinding,
    incidents::{self as stored, IncidentFilter},
    inventories::{self, FleetChange},
};
use sqlx::PgConnection;
use tokio::sync::Mutex;

use super::{
    Fleet,
    drivers::{CHANGED_WITHIN, Drivers},
    program_by_host::RunningProgram,
    tag_by_host::TagByHost,
    view::{FleetView, HostSummary},
};
use crate::app_error::AppError;

/// Changes of drivers that are kept of a part of the fleet.
const CHANGES: i64 = 2_000;
/// Incidents of one part of the fleet that are kept open, the latest.
const INCIDENTS: i64 = 500;

/// The fleet as somebody sees it.
#[derive(Debug, Clone)]
pub struct VisibleFleet {
    /// The newest view.
    pub view: Arc<FleetView>,
    /// Drivers.
    pub drivers: Arc<Drivers>,
    /// What changed among drivers in the last days, on most hosts first.
    pub driver_changes: Arc<Vec<FleetChange>>,
    fleet: Arc<Fleet>,
    /// What it is, where it is not all.
    part: Option<Arc<VisiblePart>>,
}

/// A part of the fleet.
#[derive(Debug)]
struct VisiblePart {
    scope: Scope,
    groups: Vec<HostGroup>,
    /// By id.
    hosts: Vec<HostId>,
}

impl VisibleFleet {
    /// All of the fleet.
    #[must_use]
    pub fn whole(fleet: &Arc<Fleet>) -> Self {
        Self {
            view: fleet.view(),
            drivers: fleet.drivers(),
            driver_changes: fleet.driver_changes(),
            fleet: fleet.clone(),
            part: None,
        }
    }

    /// The fleet as a scope shows it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn load(
        fleet: &Arc<Fleet>,
        pool: &PgPool,
        scope: &Scope,
        now: Timestamp,
    ) -> Result<Self, AppError> {
        if scope.is_whole_fleet() {
            return Ok(Self::whole(fleet));
        }
        let whole = fleet.view();
        let mut kept = fleet.scoped_views.0.lock().await;
        if let Some(at) = kept.iter().position(|one| one.visible.is_of(scope)) {
            if Arc::ptr_eq(&kept[at].whole, &whole) {
                return Ok(kept[at].visible.clone());
            }
            kept.remove(at);
        }
        let visible = make(fleet, pool, scope, whole.clone(), now).await?;
        kept.truncate(KEPT - 1);
        kept.insert(0, KeptView { whole, visible: visible.clone() });
        Ok(visible)
    }

    fn is_of(&self, scope: &Scope) -> bool {
        self.part.as_ref().is_some_and(|part| part.scope == *scope)
    }

    /// Whether it is all of it.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.part.is_none()
    }

    /// The hosts by id, where these are not all.
    #[must_use]
    pub fn hosts(&self) -> Option<&[HostId]> {
        self.part.as_ref().map(|part| &part.hosts[..])
    }

    /// Whether a host is among them.
    #[must_use]
    pub fn shows(&self, host: HostId) -> bool {
        self.hosts().is_none_or(|hosts| hosts.binary_search(&host).is_ok())
    }

    /// Lets only hosts pass that are among them: of others it is not said whether they are there.
    ///
    /// # Errors
    /// 404.
    pub fn require_host(&self, host: HostId) -> Result<(), AppError> {
        self.shows(host).then_some(()).ok_or_else(|| AppError::not_found("There is no such host"))
    }

    /// Lets only those pass who see the whole fleet: what they do concerns all of it.
    ///
    /// # Errors
    /// 403.
    pub fn require_whole(&self) -> Result<(), AppError> {
        match self.is_whole() {
            true => Ok(()),
            false => Err(limited("It concerns hosts outside of your groups.")),
        }
    }

    /// Lets those pass who see the one host of this name: what is imported for a name is kept for
    /// whoever bears it.
    ///
    /// # Errors
    /// 403.
    pub fn require_name(&self, name: &str) -> Result<(), AppError> {
        let bears = |host: &&Arc<HostSummary>| host.host.name.eq_ignore_ascii_case(name.trim());
        let whole = self.fleet.view();
        let bearers: Vec<&Arc<HostSummary>> = whole.hosts.iter().filter(bears).collect();
        match (self.is_whole(), &bearers[..]) {
            (true, _) => Ok(()),
            (false, [one]) if self.shows(one.host.id) => Ok(()),
            (false, _) => Err(limited("Name one of the hosts of your groups.")),
        }
    }

    /// Whether a host that is not in the fleet belongs to the groups.
    #[must_use]
    pub fn shows_candidate(&self, candidate: &Candidate) -> bool {
        let Candidate { facts, labels, put_into, .. } = candidate;
        let has = |group: &HostGroup| group.has(facts, labels, put_into);
        self.part.as_ref().is_none_or(|part| part.groups.iter().any(has))
    }

    /// Whether what a token or a rule gives hosts says that they come to one of the groups.
    #[must_use]
    pub fn shows_binding(&self, binding: &HostBinding) -> bool {
        let is_of = |part: &Arc<VisiblePart>| {
            binding.group.is_some_and(|id| part.groups.iter().any(|group| group.id == id))
        };
        self.part.as_ref().is_none_or(is_of)
    }

    /// One tag over the hosts, as of some seconds ago at most.
    #[must_use]
    pub fn tag_by_host(&self, tag: PoolTag) -> Arc<TagByHost> {
        let all = self.fleet.across(tag);
        match self.hosts() {
            None => all,
            Some(_) => Arc::new(all.among(|host| self.shows(host))),
        }
    }

    /// One program over the hosts, as of this moment.
    #[must_use]
    pub fn program_by_host(&self, image: &str) -> Vec<RunningProgram> {
        let mut found = self.fleet.running(image);
        found.retain(|running| self.shows(running.host));
        found
    }

    /// Incidents that touch the hosts, as these tell them, latest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn incidents(
        &self,
        db: &mut PgConnection,
        filter: IncidentFilter<'_>,
        limit: i64,
    ) -> Result<Vec<Incident>, AppError> {
        let Some(hosts) = self.hosts() else { return Ok(stored::list(db, filter, limit).await?) };
        let filter = IncidentFilter { among: Some(hosts), ..filter };
        let found = stored::list(db, filter, limit).await?;
        Ok(incidents::narrow(db, found, hosts).await?)
    }

    /// One incident.
    ///
    /// # Errors
    /// 404 when there is none, or it touches none of the hosts.
    pub async fn incident(
        &self,
        db: &mut PgConnection,
        id: IncidentId,
    ) -> Result<Incident, AppError> {
        let filter = IncidentFilter { id: Some(id), ..IncidentFilter::default() };
        let found = self.incidents(db, filter, 1).await?.pop();
        found.ok_or_else(|| AppError::not_found("There is no such incident"))
    }

    /// Whether an incident touches no other hosts.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn shows_all_of(
        &self,
        db: &mut PgConnection,
        id: IncidentId,
    ) -> Result<bool, AppError> {
        let Some(hosts) = self.hosts() else { return Ok(true) };
        let parts = stored::parts(db, &[id], hosts).await?;
        Ok(parts.first().is_some_and(|part| !part.has_others))
    }

    /// Lets only those pass who see every host of an incident.
    ///
    /// # Errors
    /// 403.
    pub async fn require_all_of(
        &self,
        db: &mut PgConnection,
        id: IncidentId,
    ) -> Result<(), AppError> {
        match self.shows_all_of(db, id).await? {
            true => Ok(()),
            false => Err(limited("This incident is also on hosts outside of your groups.")),
        }
    }
}

fn limited(detail: &str) -> AppError {
    AppError::new(StatusCode::FORBIDDEN, "scope", "Your groups do not allow this", detail)
}

/// Parts of the fleet that are kept, the latest that were asked for.
const KEPT: usize = 32;

/// The parts of the fleet that people see who do not see all of it, for as long as the view is.
#[derive(Debug, Default)]
pub(super) struct ScopedViews(Mutex<Vec<KeptView>>);

#[derive(Debug)]
struct KeptView {
    whole: Arc<FleetView>,
    visible: VisibleFleet,
}

async fn make(
    fleet: &Arc<Fleet>,
    pool: &PgPool,
    scope: &Scope,
    whole: Arc<FleetView>,
    now: Timestamp,
) -> Result<VisibleFleet, AppError> {
    let is_in = |host: &&Arc<HostSummary>| scope.covers(&host.groups);
    let summaries: Vec<Arc<HostSummary>> = whole.hosts.iter().filter(is_in).cloned().collect();
    let hosts: Vec<HostId> = summaries.iter().map(|host| host.host.id).collect();
    let wanted = scope.groups().unwrap_or_default();
    let groups = whole.groups.iter().filter(|group| wanted.contains(&group.id)).cloned().collect();
    let since = now.saturating_sub(CHANGED_WITHIN).unwrap_or(now);
    let mut db = pool.acquire().await?;
    let filter =
        IncidentFilter { unresolved: true, among: Some(&hosts), ..IncidentFilter::default() };
    let open = stored::list(&mut db, filter, INCIDENTS).await?;
    let open = incidents::narrow(&mut db, open, &hosts).await?;
    let changes = inventories::changed_on(&mut db, &hosts, (since, now), CHANGES).await?;
    drop(db);
    let (of, ids) = (fleet.clone(), hosts.clone());
    let work = move || (of.narrow_view(&whole, summaries, open, now), of.drivers().among(&ids));
    let (view, drivers) = tokio::task::spawn_blocking(work).await.map_err(AppError::internal)?;
    Ok(VisibleFleet {
        view: Arc::new(view),
        drivers: Arc::new(drivers),
        driver_changes: Arc::new(changes),
        fleet: fleet.clone(),
        part: Some(Arc::new(VisiblePart { scope: scope.clone(), groups, hosts })),
    })
}
