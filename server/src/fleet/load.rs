//! After a start: what the database knows of every host, until it is heard again. Of each host one
//! frame is read, or the last point of its chunks, for its system-wide figures; its tables wait until
//! somebody asks for them, or until its next upload.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{BootId, HostId};
use poolwatch_protocol::v1::{Envelope, Stamp, StampedSnapshot, frame::decompress};
use poolwatch_store::{
    PgPool, StoreError,
    frames::StoredFrame,
    hosts, latest,
    read::{self, Past},
};
use sqlx::PgConnection;
use tracing::info;
use uuid::Uuid;

use super::{Fleet, host::AHEAD};

/// Hosts asked for at once.
const PAGE: i64 = 500;
/// Hosts whose hours are asked for at once: some thousand looks into an index.
const HOUR_HOSTS: usize = 100;
/// Hosts whose tables are loaded before they are heard, so that a small fleet is whole at once.
const TABLES: usize = 500;
/// Hosts whose latest snapshot is older are heard late or never: their tables wait until they are.
const REPORTED_WITHIN: SignedDuration = SignedDuration::from_hours(1);
/// Hours of pools that are asked for.
const HOURS: u32 = 48;

/// Loads the latest figures of every host, then the tables of some, then the pools' last two days.
/// Returns the hosts whose tables are left to [`rest`].
///
/// # Errors
/// When the database fails.
pub async fn run(
    pool: &PgPool,
    fleet: &Fleet,
    kept: SignedDuration,
    now: Timestamp,
) -> Result<Vec<HostId>, StoreError> {
    let mut db = pool.acquire().await?;
    let since = since(kept, now);
    // What a wrong clock put into the time to come is not the latest of anything.
    let until = now.saturating_add(AHEAD).unwrap_or(now);
    let mut after = HostId(0);
    let mut loaded = Vec::new();
    loop {
        let page = hosts::page(&mut db, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        let ids: Vec<HostId> = page.iter().map(|host| host.id).collect();
        let mut frames =
            latest::frames(&mut db, &ids, (since, until)).await?.into_iter().peekable();
        for id in ids {
            let frame = frames.next_if(|(host, ..)| *host == id);
            let frame = frame.map(|(_, frame, before)| (frame, before));
            if figures(&mut db, fleet, id, frame, (since, now)).await? {
                loaded.push(id);
            }
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
            match fleet.known(first.host) {
                Some(live) => live.restore_hours(own),
                None => own.for_each(drop),
            }
        }
    }
    loaded.truncate(loaded.len().saturating_sub(TABLES));
    Ok(loaded)
}

/// Loads the tables of hosts that reported until the server stopped, before their next upload needs
/// them: a whole fleet waits for no interval then. Those that are due last come first: uploads look up
/// the others meanwhile.
///
/// # Errors
/// When the database fails.
pub async fn rest(
    pool: &PgPool,
    fleet: &Fleet,
    hosts: &[HostId],
    kept: SignedDuration,
    now: Timestamp,
) -> Result<(), StoreError> {
    let reported = |id: &HostId| {
        let at = fleet.known(*id)?.read().at?;
        (now.duration_since(at) < REPORTED_WITHIN).then_some((at, *id))
    };
    let mut due: Vec<(Timestamp, HostId)> = hosts.iter().filter_map(reported).collect();
    due.sort_unstable();
    let due = Mutex::new(due);
    let next = || due.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let load = || async {
        while let Some((_, id)) = next() {
            if fleet.known(id).is_some_and(|live| live.read().tables().is_none()) {
                tables(&mut *pool.acquire().await?, fleet, id, kept, now).await?;
            }
        }
        Ok::<(), StoreError>(())
    };
    // While one is read, the database works on the next.
    tokio::try_join!(load(), load()).map(|_| ())
}

/// Loads a host's latest tables from the database, unless they are at hand or there is no such host.
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
    let live = match fleet.known(id) {
        Some(live) => live,
        None if hosts::find(db, id).await?.is_some() => fleet.ensure_host(id),
        None => return Ok(()),
    };
    if live.read().tables().is_some() {
        return Ok(());
    }
    let since = since(kept, now);
    if let Some(taken) = read::last_taken(db, id, since, now).await? {
        live.restore(&taken.last, taken.at);
    } else if let Some(past) = read::last_point(db, id, since, now).await? {
        // The means of some minutes are no base of any frame.
        let stamp = Stamp {
            boot: BootId(Uuid::nil()),
            seq: u64::MAX,
            uptime_ms: uptime_ms(&past),
            wall: past.at,
        };
        live.restore(&StampedSnapshot { stamp, snapshot: past.snapshot }, past.at);
    }
    Ok(())
}

/// Takes the system-wide figures of a host's newest frame, or of its last point where frames are no
/// longer kept. Returns whether there were any.
async fn figures(
    db: &mut PgConnection,
    fleet: &Fleet,
    id: HostId,
    frame: Option<(StoredFrame, Option<Timestamp>)>,
    (since, now): (Timestamp, Timestamp),
) -> Result<bool, StoreError> {
    if let Some((frame, before)) = frame {
        let Ok(bytes) = decompress(&frame.payload) else { return Ok(false) };
        let Ok(envelope) = Envelope::parse(&bytes) else { return Ok(false) };
        let memory = envelope.memory().ok().flatten().unwrap_or_default();
        let uptime_ms = envelope.stamp.uptime_ms;
        fleet.ensure_host(id).restore_figures(memory, uptime_ms, frame.at, before);
        return Ok(true);
    }
    let Some(past) = read::last_point(db, id, since, now).await? else { return Ok(false) };
    let uptime_ms = uptime_ms(&past);
    fleet.ensure_host(id).restore_figures(past.snapshot.memory, uptime_ms, past.at, None);
    Ok(true)
}

fn uptime_ms(past: &Past) -> u64 {
    past.uptime_s.unwrap_or(0).saturating_mul(1000)
}

fn since(kept: SignedDuration, now: Timestamp) -> Timestamp {
    now.saturating_sub(kept).unwrap_or(Timestamp::MIN)
}
