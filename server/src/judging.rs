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
use poolwatch_analysis::{CaseFile, judge};
use poolwatch_model::HostId;
use poolwatch_store::hosts;
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
    let diagnoses = of(case).await?;
    let judged = Judged {
        host: id,
        at: at.unwrap_or(now),
        uptime_s,
        diagnoses: &diagnoses,
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

/// Judges a case away from the threads that serve requests.
async fn of(case: CaseFile) -> Result<Vec<poolwatch_model::diagnosis::Diagnosis>, Failure> {
    tokio::task::spawn_blocking(move || judge(&case)).await.map_err(Failure::internal)
}
