//! The tags of about a day ago, which growth is reckoned from.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::HostId;
use poolwatch_store::{PgPool, StoreError, frames};

use super::{Fleet, host::Before};
use crate::history;

/// Growth is reckoned over this.
const BACK: SignedDuration = SignedDuration::from_hours(24);
/// A key frame this close will do: agents send one an hour at least.
const SLACK_S: u32 = 5400;
/// A baseline is replaced when it is this much older than it should be.
const STALE: SignedDuration = SignedDuration::from_hours(1);
/// Hosts asked for at once: bounds memory.
const HOSTS: usize = 100;

/// Gives a baseline to every host that lacks one or has an old one.
///
/// # Errors
/// When the database fails.
pub async fn refresh(pool: &PgPool, fleet: &Fleet, now: Timestamp) -> Result<(), StoreError> {
    let wanted = now.saturating_sub(BACK).unwrap_or(now);
    let hosts: Vec<HostId> = fleet
        .view()
        .hosts
        .iter()
        .map(|summary| summary.host.id)
        .filter(|id| {
            let live = fleet.host(*id);
            let state = live.read();
            state.before.as_ref().is_none_or(|before| wanted.duration_since(before.at) > STALE)
        })
        .collect();
    for hosts in hosts.chunks(HOSTS) {
        let mut db = pool.acquire().await?;
        for (host, frame) in frames::keys_near(&mut db, hosts, wanted, SLACK_S).await? {
            if let Some(tags) = history::tags_of(&frame.payload) {
                fleet.host(host).set_before(Before { at: frame.at, tags: Arc::new(tags) });
            }
        }
    }
    Ok(())
}
