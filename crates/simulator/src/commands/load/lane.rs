//! A lane: a connection and the hosts that send through it, one after the other.

use anyhow::Result;
use tokio::task::JoinSet;

use super::uplink::{Credentials, Uplink};

#[derive(Debug)]
pub(super) struct Lane {
    pub(super) uplink: Uplink,
    /// By index, ascending.
    pub(super) members: Vec<Member>,
}

/// A host of a lane.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) index: u32,
    pub(super) credentials: Credentials,
}

/// Lets all lanes work at the same time, and waits for them.
pub(super) async fn all<W, F>(lanes: Vec<Lane>, work: W) -> Result<Vec<Lane>>
where
    W: Fn(Lane) -> F,
    F: Future<Output = Result<Lane>> + Send + 'static,
{
    let mut working = JoinSet::new();
    for lane in lanes {
        working.spawn(work(lane));
    }
    let mut done = Vec::new();
    while let Some(lane) = working.join_next().await {
        done.push(lane??);
    }
    Ok(done)
}
