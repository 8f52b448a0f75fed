//! Who was archived, approved or given another key, by whomever, and how many wait: what memory holds
//! of a host is right within a second.

use std::{sync::atomic::Ordering, time::Duration};

use poolwatch_store::{StoreError, enrolment, hosts};
use tracing::{error, info};

use crate::{
    app::{App, SharedApp},
    metrics,
};

const EVERY: Duration = Duration::from_secs(1);

pub(super) async fn run(app: SharedApp) {
    let mut every = tokio::time::interval(EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        if let Err(error) = follow(&app).await {
            error!(%error, "Could not ask which hosts were archived or approved");
        }
    }
}

/// Forgets the keys of hosts whose standing changed, and all of those that are gone.
///
/// # Errors
/// When the database fails.
pub async fn follow(app: &App) -> Result<(), StoreError> {
    let mut db = app.pool.acquire().await?;
    for id in hosts::take_changed(&mut db).await? {
        app.host_keys.forget(id);
        app.fleet.note_change_of(id);
        if hosts::find(&mut db, id).await?.is_none() {
            app.fleet.forget(id);
            info!(host = %id, "A host left the fleet");
        }
    }
    let waiting = enrolment::count_waiting(&mut db).await?;
    app.waiting_hosts.store(waiting.unsigned_abs(), Ordering::Relaxed);
    metrics::waiting_hosts(waiting.unsigned_abs());
    Ok(())
}
