//! After a start: the latest of every host from the database, until the hosts are heard again.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::HostId;
use poolwatch_store::{PgPool, StoreError, frames, frames::PoolHour, hosts};
use tracing::info;

use super::Fleet;
use crate::history;

/// Hosts asked for at once.
const PAGE: i64 = 500;
/// Hours of pools that are asked for.
const HOURS: SignedDuration = SignedDuration::from_hours(48);

/// Loads the latest of every host.
///
/// # Errors
/// When the database fails.
pub async fn run(
    pool: &PgPool,
    fleet: &Fleet,
    keep_days: u16,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut db = pool.acquire().await?;
    let since = now.saturating_sub(SignedDuration::from_hours(i64::from(keep_days) * 24));
    let since = since.unwrap_or(Timestamp::MIN);
    let mut after = HostId(0);
    let mut loaded = 0;
    loop {
        let page = hosts::page(&mut db, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        for host in page {
            if let Some((snapshot, at)) = history::state_at(&mut db, host.id, since, now).await? {
                fleet.host(host.id).restore(snapshot, at);
                loaded += 1;
            }
        }
    }
    let mut hours: HashMap<HostId, Vec<PoolHour>> = HashMap::new();
    for hour in frames::pool_hours(&mut db, now.saturating_sub(HOURS).unwrap_or(now)).await? {
        hours.entry(hour.host).or_default().push(hour);
    }
    for (host, hours) in hours {
        fleet.host(host).restore_hours(hours);
    }
    fleet.note_change();
    info!(hosts = loaded, "Loaded the latest of every host");
    Ok(())
}
