//! What hosts have kept while the server could not be reached, sent as fast as it takes it.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Instant,
};

use anyhow::Result;
use jiff::{SignedDuration, Timestamp};
use tracing::info;

use super::{
    counts::Counts,
    lane::{self, Lane},
    options::Options,
    report::{Pace, Report},
};
use crate::clock;

pub(super) async fn send(
    lanes: Vec<Lane>,
    options: &Options,
    report: &mut Report,
) -> Result<Vec<Lane>> {
    let begun = Instant::now();
    let counts = Arc::new(Counts::new()?);
    let now = clock::now();
    let kept = SignedDuration::try_from(options.interval * options.backlog)?;
    let first = now.saturating_sub(kept)?;
    let (frames, batch) = (u64::from(options.backlog), usize::from(options.batch));
    let lanes =
        lane::all(lanes, |lane| send_lane(lane, first, frames, batch, Arc::clone(&counts))).await?;
    let backlog = Pace::new(counts.acknowledged(), begun.elapsed());
    info!(frames = backlog.count, per_s = backlog.per_s, "Sent the backlog");
    report.backlog = Some(backlog);
    report.refused += counts.refused.load(Relaxed);
    report.retries += counts.retries.load(Relaxed);
    Ok(lanes)
}

async fn send_lane(
    mut lane: Lane,
    first: Timestamp,
    frames: u64,
    batch: usize,
    counts: Arc<Counts>,
) -> Result<Lane> {
    for member in &lane.members {
        let mut host = lane.uplink.boot(member.index, first)?;
        while host.step() < frames {
            let at_most = batch.min((frames - host.step()) as usize);
            // The last frame of some hosts is due a moment later: it is taken with the others.
            let Some(pending) = lane.uplink.take_due(&mut host, Timestamp::MAX, at_most)? else {
                break;
            };
            lane.uplink.send(&member.credentials, &mut host, &pending, &counts).await?;
        }
    }
    Ok(lane)
}
