//! Silence after pressure: a host whose last data show a pool that was running out, and that stops
//! reporting, has probably exhausted it.

use jiff::Timestamp;
use poolwatch_analysis::around;
use poolwatch_model::{
    Pool,
    diagnosis::{Diagnosis, Evidence, Verdict},
    incident::{Cause, Incident, Trigger},
    memory::CeilingSource,
};
use poolwatch_store::incidents;
use poolwatch_web::hosts::{HostSource, Presence};
use sqlx::Connection;

use super::{
    case,
    record::{self, Judged, Kind},
};
use crate::{
    alerts,
    app::App,
    failure::Failure,
    fleet::view::{FleetView, HostSummary},
    pages::presence,
};

/// A measured limit used to this share is pressure.
const PRESSED: f64 = 0.85;
/// So is a leak whose pool was to last no longer than this, seconds.
const SOON_S: u64 = 24 * 3600;
/// Hosts that fell silent and are judged in one go. A network that fails silences many at once.
const AT_ONCE: usize = 20;

/// Opens an incident for each host that fell silent while a pool was under pressure.
///
/// # Errors
/// When the database fails.
pub async fn look(app: &App, now: Timestamp) -> Result<(), Failure> {
    let view = app.fleet.view();
    let silent = view.hosts.iter().filter(|host| {
        presence::source(host) == HostSource::Agent && presence::of(host, now) == Presence::Silent
    });
    let fallen: Vec<(&HostSummary, Pool)> = silent
        .filter(|host| !is_known(&view, host))
        .filter_map(|host| Some((host.as_ref(), under_pressure(&view, host)?)))
        .take(AT_ONCE)
        .collect();
    for (host, pool) in fallen {
        judge(app, host, pool, now).await?;
    }
    Ok(())
}

/// The pool that was under pressure when the host was last heard.
fn under_pressure(view: &FleetView, host: &HostSummary) -> Option<Pool> {
    let by_limit = Pool::ALL.into_iter().find(|pool| {
        host.ceiling(*pool).zip(host.memory.of(*pool)).is_some_and(|(ceiling, used)| {
            ceiling.source == CeilingSource::Measured && used.share_of(ceiling.bytes) >= PRESSED
        })
    });
    let soon = |incident: &&Incident| {
        let left = incident.diagnosis.time_left;
        incident.diagnosis.verdict == Verdict::Exhausted
            || left.is_some_and(|left| left.likely_s < SOON_S)
    };
    by_limit.or_else(|| {
        of_host(view, host)
            .filter(|incident| incident.state.is_active())
            .find(soon)
            .and_then(|incident| incident.cause.pool())
    })
}

fn is_known(view: &FleetView, host: &HostSummary) -> bool {
    of_host(view, host).any(|incident| matches!(incident.cause, Cause::Silence { .. }))
}

fn of_host<'a>(view: &'a FleetView, host: &HostSummary) -> impl Iterator<Item = &'a Incident> {
    let id = host.host.id;
    view.incidents.iter().filter(move |incident| incident.hosts.binary_search(&id).is_ok())
}

async fn judge(
    app: &App,
    summary: &HostSummary,
    pool: Pool,
    now: Timestamp,
) -> Result<(), Failure> {
    let (Some(heard), Some(at)) = (summary.received, summary.at) else { return Ok(()) };
    let mut db = app.pool.acquire().await?;
    let mut case = case::load(app, &mut db, &summary.host, now).await?;
    case.now = at;
    let uptime_s = case.axis.last().and_then(|moment| moment.uptime_s).unwrap_or(0);
    let (diagnosis, picture) = tokio::task::spawn_blocking(move || {
        let picture = around::picture(&case, Trigger::Silence { pool }, at);
        (probably_exhausted(poolwatch_analysis::judge(&case), pool, heard), picture)
    })
    .await
    .map_err(Failure::internal)?;
    let judged = Judged {
        host: summary.host.id,
        at: heard,
        uptime_s,
        diagnoses: std::slice::from_ref(&diagnosis),
        outcomes: &[],
        kind: Kind::Event,
    };
    let cause = Cause::Silence { host: summary.host.id, pool };
    let mut transaction = db.begin().await?;
    let (incident, notice) =
        record::record_cause(&mut transaction, &judged, &cause, &diagnosis).await?;
    incidents::set_picture(&mut transaction, incident, &picture).await?;
    if let Some(notice) = notice {
        alerts::incident::enqueue(app, &mut transaction, &summary.host, &notice, None, now).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// The judgement of the last picture, with the silence as its first fact.
fn probably_exhausted(judged: Vec<Diagnosis>, pool: Pool, since: Timestamp) -> Diagnosis {
    let mut diagnosis = judged.into_iter().find(|one| one.pool == Some(pool)).unwrap_or_default();
    diagnosis.verdict = Verdict::Exhausted;
    diagnosis.pool = Some(pool);
    // Which bound ran out nobody saw, and nothing is left of what has run out.
    (diagnosis.headroom, diagnosis.time_left) = (None, None);
    diagnosis.evidence.insert(0, Evidence::Silence { since });
    diagnosis
}
