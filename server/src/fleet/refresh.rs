//! Making the fleet's view, every few seconds, beside the threads that answer requests.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Instant,
};

use jiff::Timestamp;
use poolwatch_detection::alerting::{ScopedHost, find_silence};
use poolwatch_model::{
    HostId,
    alerting::Silence,
    host_group::HostGroup,
    incident::{Incident, IncidentId},
};
use poolwatch_store::{PgPool, StoreError, host_groups, incidents, silences};

use super::{
    Fleet,
    by_tag::ByTag,
    growing::{self, GROWING},
    release_silent,
    roster::{HostTrouble, Roster},
    sweep::FleetSweeper,
    view::{FleetView, HostSummary},
};
use crate::{metrics, scoped_host::scope_host};

/// The share of one processor that walks over all hosts may take, as one part of so many.
const SWEEP_SHARE: u32 = 100;
/// What is kept between views.
#[derive(Debug, Default)]
pub struct Keeper {
    roster: Roster,
    sweeps: FleetSweeper,
    /// When the next walk over all hosts may begin.
    sweep_at: Option<Instant>,
}

/// Open incidents that are kept, the latest.
const INCIDENTS: i64 = 500;

/// Makes and publishes a new view, and gives back what is kept. When the database fails, the view
/// before stays.
pub async fn refresh(
    pool: &PgPool,
    fleet: &Arc<Fleet>,
    mut keeper: Keeper,
    interval_s: u32,
    now: Timestamp,
) -> (Keeper, anyhow::Result<()>) {
    let read = match prepare(pool, fleet, &mut keeper.roster, now).await {
        Ok(read) => read,
        Err(error) => return (keeper, Err(error.into())),
    };
    let fleet = fleet.clone();
    let work = move || {
        make(&fleet, &mut keeper, read, interval_s, now);
        keeper
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(keeper) => (keeper, Ok(())),
        Err(error) => (Keeper::default(), Err(error.into())),
    }
}

fn make(
    fleet: &Fleet,
    keeper: &mut Keeper,
    Prepared { open, left, silences, groups }: Prepared,
    interval_s: u32,
    now: Timestamp,
) {
    let begun = Instant::now();
    if keeper.sweep_at.is_none_or(|at| at <= begun) {
        release_silent::let_go(fleet, now);
        keeper.sweeps.run(fleet, now);
        keeper.sweep_at = Some(begun + begun.elapsed() * SWEEP_SHARE);
    }
    let mut trouble: HashMap<HostId, HostTrouble> = HashMap::new();
    for incident in &open {
        if incident.state.is_active() {
            for host in &incident.hosts {
                let of_host = trouble.entry(*host).or_default();
                of_host.incident = of_host.incident.or(Some(incident.id));
                of_host.left_s = left.get(host).copied();
            }
        }
    }
    let groups = keeper.roster.set_groups(groups);
    let sweep = keeper.sweeps.latest();
    let hosts = keeper.roster.summaries(fleet, &trouble, interval_s, now);
    let tags = ByTag::make(&fleet.shared().totals, &sweep.tops);
    let growing = growing::most(&tags, GROWING);
    let silenced = silenced(&hosts, &groups, &open, &silences, now);
    let view = FleetView {
        at: Some(now),
        hosts,
        groups,
        incidents: open,
        silenced,
        growing,
        tags,
        sweep: sweep.clone(),
    };
    metrics::fleet(view.stale(), sweep.hosts_at_hand, sweep.table_bytes, begun.elapsed());
    let (reporting, silent) = view.heard(now);
    metrics::hosts(reporting, silent);
    metrics::odd_hosts(view.capped(), view.damaged());
    fleet.publish(view);
    fleet.renew_across();
}

/// The incidents that nobody is told of for a while.
fn silenced(
    hosts: &[Arc<HostSummary>],
    groups: &[HostGroup],
    open: &[Incident],
    silences: &[Silence],
    now: Timestamp,
) -> BTreeSet<IncidentId> {
    let scoped = |id: &HostId| {
        let place = hosts.binary_search_by_key(id, |host| host.host.id).ok()?;
        Some(scope_host(&hosts[place].host, groups, &hosts[place].groups))
    };
    let is_silent = |incident: &&Incident| {
        let hosts: Vec<ScopedHost> = incident.hosts.iter().filter_map(scoped).collect();
        find_silence(silences, Some((incident.id, &incident.cause)), &hosts, now).is_some()
    };
    match silences.iter().any(|silence| silence.is_active(now)) {
        true => open.iter().filter(is_silent).map(|incident| incident.id).collect(),
        false => BTreeSet::new(),
    }
}

/// What a view is made of beside what is in memory.
struct Prepared {
    open: Vec<Incident>,
    /// How long hosts have left, seconds.
    left: HashMap<HostId, u64>,
    silences: Vec<Silence>,
    groups: Vec<HostGroup>,
}

/// Asks the database who there is, what is open and silenced, and which groups there are.
async fn prepare(
    pool: &PgPool,
    fleet: &Fleet,
    roster: &mut Roster,
    now: Timestamp,
) -> Result<Prepared, StoreError> {
    let mut db = pool.acquire().await?;
    let changed = fleet.take_changed();
    let updated = roster.update(&mut db, fleet, changed).await;
    if updated.is_err() {
        fleet.note_change();
    }
    updated?;
    let filter = incidents::IncidentFilter { unresolved: true, ..Default::default() };
    let open = incidents::list(&mut db, filter, INCIDENTS).await?;
    let left = incidents::time_left_by_host(&mut db).await?;
    let silences = silences::ending_after(&mut db, now).await?;
    Ok(Prepared { open, left, silences, groups: host_groups::list(&mut db).await? })
}
