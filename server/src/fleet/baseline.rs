//! The tags of earlier moments, which growth is reckoned from: read from key frames, a few hosts at
//! a time, and kept in memory as two bytes per tag and window.

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;
use poolwatch_model::{HostId, tag::TagTable};
use poolwatch_store::{PgPool, StoreError, frames};
use sqlx::PgConnection;

use super::{
    Fleet,
    earlier::{Earlier, WINDOWS, Window},
};
use crate::history;

/// Hosts asked for at once: bounds memory.
const HOSTS: usize = 50;
/// Hosts of one round, so that a large fleet costs a small part of a processor: a round is made
/// every half minute.
const ROUND: usize = 3000;

/// The tags of an earlier moment.
#[derive(Debug, Clone)]
pub struct Before {
    /// When.
    pub at: Timestamp,
    /// The tags then.
    pub tags: Arc<TagTable>,
}

/// The tags of one host at the beginning of a window that ends now.
///
/// # Errors
/// When the database fails.
pub async fn of_host(
    db: &mut PgConnection,
    host: HostId,
    window: Window,
    now: Timestamp,
) -> Result<Option<Before>, StoreError> {
    let found = frames::keys_near(db, &[host], begin(window, now), slack_s(window)).await?;
    Ok(found.into_iter().find_map(|(_, frame)| {
        let tags = Arc::new(history::tags_of(&frame.payload)?);
        Some(Before { at: frame.at, tags })
    }))
}

/// Which hosts were asked for when, so that those without history are not asked for again and again.
#[derive(Debug, Default)]
pub struct Asked(HashMap<HostId, [Option<Timestamp>; WINDOWS]>);

/// Looks after the earlier moments of all hosts whose tables are at hand: the longest window first,
/// since it changes least.
///
/// # Errors
/// When the database fails.
pub async fn refresh(
    pool: &PgPool,
    fleet: &Fleet,
    asked: &mut Asked,
    now: Timestamp,
) -> Result<(), StoreError> {
    asked.0.retain(|id, _| fleet.known(*id).is_some());
    let mut left = ROUND;
    for (index, window) in Window::ALL.into_iter().enumerate().rev() {
        let wanted = begin(window, now);
        let mut hosts = due(fleet, index, window, wanted);
        hosts.retain(|id| {
            let last = asked.0.get(id).and_then(|last| last[index]);
            last.is_none_or(|last| now.duration_since(last) > window.slack() / 4)
        });
        hosts.truncate(left);
        left -= hosts.len();
        for id in &hosts {
            asked.0.entry(*id).or_default()[index] = Some(now);
        }
        for hosts in hosts.chunks(HOSTS) {
            let mut db = pool.acquire().await?;
            let found = frames::keys_near(&mut db, hosts, wanted, slack_s(window)).await?;
            drop(db);
            for (host, frame) in found {
                if let Some(tags) = history::tags_of(&frame.payload) {
                    let earlier = Earlier { at: frame.at, complete: tags.complete };
                    fleet.host(host).set_earlier(index, Some((earlier, &tags)));
                }
                tokio::task::yield_now().await;
            }
        }
    }
    Ok(())
}

/// Hosts whose earlier moment is missing or too long ago. A host is asked for only when its boot
/// began before that moment: growth does not reach over a restart.
fn due(fleet: &Fleet, index: usize, window: Window, wanted: Timestamp) -> Vec<HostId> {
    let slack = window.slack();
    let is_due = |id: &HostId| {
        let Some(live) = fleet.known(*id) else { return false };
        let state = live.read();
        let ran = state.booted_at.is_none_or(|boot| boot < wanted);
        let tags = state.tables().and_then(|tables| tables.tags.as_ref());
        ran && tags.is_some_and(|tags| {
            let earlier = tags.earlier(index);
            earlier.is_none_or(|earlier| wanted.duration_since(earlier.at) > slack)
        })
    };
    fleet.view().hosts.iter().map(|summary| summary.host.id).filter(is_due).collect()
}

fn begin(window: Window, now: Timestamp) -> Timestamp {
    now.saturating_sub(window.length()).unwrap_or(now)
}

fn slack_s(window: Window) -> u32 {
    u32::try_from(window.slack().as_secs()).unwrap_or(u32::MAX)
}
