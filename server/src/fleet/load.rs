//! After a start: what the database knows of every host, until it is heard again. Of each host one
//! frame is read, for its system-wide figures; its tables wait until somebody asks for them, or
//! until its next upload.

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{HostId, Snapshot};
use poolwatch_protocol::v1::{Envelope, frame::decompress};
use poolwatch_store::{PgPool, StoreError, hosts, latest};
use sqlx::PgConnection;
use tracing::info;

use super::Fleet;
use crate::{app::App, history};

/// Hosts asked for at once.
const PAGE: i64 = 500;
/// Hosts whose hours are asked for at once: some thousand looks into an index.
const HOUR_HOSTS: usize = 100;
/// Hosts whose tables are loaded before they are heard, so that a small fleet is whole at once.
const TABLES: usize = 500;
/// Hours of pools that are asked for.
const HOURS: u32 = 48;

/// Loads the latest figures of every host, then the tables of some, then the pools' last two days.
///
/// # Errors
/// When the database fails.
pub async fn run(
    pool: &PgPool,
    fleet: &Fleet,
    kept: SignedDuration,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut db = pool.acquire().await?;
    let since = since(kept, now);
    let mut after = HostId(0);
    let mut loaded = Vec::new();
    loop {
        let page = hosts::page(&mut db, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        let ids: Vec<HostId> = page.iter().map(|host| host.id).collect();
        for (id, frame) in latest::frames(&mut db, &ids, since).await? {
            let Ok(bytes) = decompress(&frame.payload) else { continue };
            let Ok(envelope) = Envelope::parse(&bytes) else { continue };
            let memory = envelope.memory().ok().flatten().unwrap_or_default();
            fleet.host(id).restore_figures(memory, envelope.stamp.uptime_ms, frame.at);
            loaded.push(id);
        }
        tokio::task::yield_now().await;
    }
    info!(hosts = loaded.len(), "Loaded the latest figures of every host");
    for id in loaded.iter().rev().take(TABLES) {
        tables(&mut db, fleet, *id, kept, now).await?;
    }
    for hosts in loaded.chunks(HOUR_HOSTS) {
        let mut hours =
            latest::pool_hours(&mut db, hosts, HOURS, now).await?.into_iter().peekable();
        while let Some(first) = hours.peek().copied() {
            let own = std::iter::from_fn(|| hours.next_if(|hour| hour.host == first.host));
            fleet.host(first.host).restore_hours(own);
        }
    }
    Ok(())
}

/// The latest snapshot of a host: from memory, else from the database.
///
/// # Errors
/// When the database fails.
pub async fn snapshot(
    app: &App,
    db: &mut PgConnection,
    id: HostId,
    now: Timestamp,
) -> Result<Option<Snapshot>, StoreError> {
    tables(db, &app.fleet, id, app.settings.retention.ten_minutes, now).await?;
    Ok(app.fleet.host(id).snapshot())
}

/// Loads a host's latest tables from the database, unless they are at hand.
///
/// # Errors
/// When the database fails.
pub async fn tables(
    db: &mut PgConnection,
    fleet: &Fleet,
    id: HostId,
    kept: SignedDuration,
    now: Timestamp,
) -> Result<(), StoreError> {
    let live = fleet.host(id);
    if live.read().tables().is_some() {
        return Ok(());
    }
    if let Some((last, at)) = history::state_at(db, id, since(kept, now), now).await? {
        live.restore(&last, at);
    }
    Ok(())
}

fn since(kept: SignedDuration, now: Timestamp) -> Timestamp {
    now.saturating_sub(kept).unwrap_or(Timestamp::MIN)
}
