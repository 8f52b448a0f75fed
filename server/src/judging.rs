//! The judgement on hosts, all the time: who is looked at, what is known of them, and what becomes
//! of what is found. `poolwatch-analysis` judges; here it is fed, and its findings are kept.

pub mod case;
pub mod close;
pub mod comparison;
pub mod events;
pub mod peers;
pub mod record;
pub mod silence;
pub mod watch;

use jiff::Timestamp;
use poolwatch_analysis::{CaseFile, judge, release};
use poolwatch_model::{
    HostId,
    diagnosis::{Diagnosis, Evidence},
    incident::{Incident, IncidentId},
};
use poolwatch_store::{
    hosts,
    incidents::{self, IncidentFilter},
};
use record::{Judged, Kind};
use sqlx::Connection;

use crate::{alerts, app::App, failure::Failure};

/// Judges a host by all that is known of it and keeps what is found, with the mails that follow, in
/// one transaction. Returns whether anything is wrong; `None` when there is no such host.
///
/// # Errors
/// When the database fails: nothing is kept then.
pub async fn study(app: &App, id: HostId, now: Timestamp) -> Result<Option<bool>, Failure> {
    let mut db = app.pool.acquire().await?;
    let Some(host) = hosts::find(&mut db, id).await? else { return Ok(None) };
    let case = case::load(app, &mut db, &host, now).await?;
    let uptime_s = case.axis.last().and_then(|moment| moment.uptime_s).unwrap_or(0);
    let at = case.axis.last().and_then(|last| Timestamp::from_second(last.at_s).ok());
    let filter = IncidentFilter { host: Some(id), unresolved: true, ..Default::default() };
    let known = incidents::list(&mut db, filter, record::OF_A_HOST).await?;
    let (diagnoses, outcomes) = of(case, known).await?;
    if let Some(live) = app.fleet.known(id) {
        live.watch(diagnoses.first(), now);
    }
    let judged = Judged {
        host: id,
        at: at.unwrap_or(now),
        uptime_s,
        diagnoses: &diagnoses,
        outcomes: &outcomes,
        kind: Kind::Study,
    };
    let mut transaction = db.begin().await?;
    let outcome = record::record(&mut transaction, &judged).await?;
    for notice in &outcome.notices {
        alerts::incident::enqueue(app, &mut transaction, &host, notice, None, now).await?;
    }
    transaction.commit().await?;
    Ok(Some(outcome.found))
}

/// What changes of drivers did to known incidents of a host.
pub type Outcomes = Vec<(IncidentId, Vec<Evidence>)>;

/// Judges a case away from the threads that serve requests, and what changed since for what was
/// known before.
async fn of(case: CaseFile, known: Vec<Incident>) -> Result<(Vec<Diagnosis>, Outcomes), Failure> {
    let judged = tokio::task::spawn_blocking(move || {
        let outcomes = known
            .into_iter()
            .map(|incident| (incident.id, release::of_changes(&case, &incident.cause)))
            .filter(|(_, facts)| !facts.is_empty());
        let outcomes = outcomes.collect();
        (judge(&case), outcomes)
    });
    judged.await.map_err(Failure::internal)
}
