//! Before anything is sent: connections are opened, hosts enrolled.

use std::{sync::Arc, time::Instant};

use anyhow::Result;
use tokio::sync::Semaphore;
use tracing::info;

use super::{
    lane::{self, Lane, Member},
    report::{Pace, Report},
    uplink::{Shared, Uplink},
};

/// Handshakes under way at a time.
const HANDSHAKES: usize = 64;
/// Hosts that enrol at a time: more only wait for each other in the database.
const ENROLMENTS: usize = 64;

/// Opens the connections.
pub(super) async fn connections(
    shared: &Arc<Shared>,
    connections: u32,
    report: &mut Report,
) -> Result<Vec<Lane>> {
    let begun = Instant::now();
    let turns = Arc::new(Semaphore::new(HANDSHAKES));
    let lanes = (0..connections)
        .map(|_| Lane { uplink: Uplink::new(Arc::clone(shared)), members: Vec::new() })
        .collect();
    let lanes = lane::all(lanes, |mut lane| {
        let turns = Arc::clone(&turns);
        async move {
            let _turn = turns.acquire().await?;
            lane.uplink.open().await?;
            Ok(lane)
        }
    })
    .await?;
    report.connections = Pace::new(u64::from(connections), begun.elapsed());
    report.handshake_bytes(&shared.dialer.traffic);
    info!(connections, per_s = report.connections.per_s, "Opened connections");
    Ok(lanes)
}

/// Enrols all hosts and deals them out to the lanes.
pub(super) async fn enrol(lanes: Vec<Lane>, hosts: u32, report: &mut Report) -> Result<Vec<Lane>> {
    let begun = Instant::now();
    let turns = Arc::new(Semaphore::new(ENROLMENTS));
    let count = lanes.len();
    let numbered = std::sync::atomic::AtomicU32::new(0);
    let lanes = lane::all(lanes, |mut lane| {
        let turns = Arc::clone(&turns);
        let first = numbered.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        async move {
            for index in (first..hosts).step_by(count) {
                let _turn = turns.acquire().await?;
                let credentials = lane.uplink.enrol(index).await?;
                lane.members.push(Member { index, credentials });
            }
            Ok(lane)
        }
    })
    .await?;
    report.enrolment = Pace::new(u64::from(hosts), begun.elapsed());
    info!(hosts, per_s = report.enrolment.per_s, "Enrolled hosts");
    Ok(lanes)
}
