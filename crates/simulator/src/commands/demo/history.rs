//! History: many frames a request, several hosts at a time.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, bail};
use jiff::{SignedDuration, Timestamp};
use poolwatch_simulator::{Fleet, HostSim};
use tokio::{
    sync::Semaphore,
    task::{JoinSet, spawn_blocking},
};

use super::{
    Target,
    agent::{Agent, Recorder, Uplink, give_up},
};
use crate::client::Refused;

/// Hosts whose history is made and sent at a time; bounds memory.
const HOSTS_AT_A_TIME: usize = 8;
const REPORT_EVERY: Duration = Duration::from_secs(3);

/// The times at which frames of history were taken: every step, the last at the epoch.
pub(super) fn times(
    since: Timestamp,
    epoch: Timestamp,
    step_s: u32,
) -> impl Iterator<Item = Timestamp> + Send + use<> {
    let step_s = i64::from(step_s);
    let steps = epoch.duration_since(since).as_secs() / step_s;
    (0..=steps)
        .rev()
        .filter_map(move |step| epoch.checked_sub(SignedDuration::from_secs(step * step_s)).ok())
}

/// Enrols all hosts and sends their history. Hosts that the server refuses are left out.
pub(super) async fn send(
    fleet: &Fleet,
    since: Timestamp,
    step_s: u32,
    target: &Arc<Target>,
) -> Result<Vec<Agent>> {
    let turns = Arc::new(Semaphore::new(HOSTS_AT_A_TIME));
    let epoch = fleet.scenario().epoch;
    let mut hosts = JoinSet::new();
    for index in 0..fleet.hosts().len() {
        let (turns, target, fleet) = (Arc::clone(&turns), Arc::clone(target), fleet.clone());
        hosts.spawn(async move {
            let _turn = turns.acquire().await;
            let host = fleet.simulate(index);
            let name = host.plan().name.clone();
            let sent = send_host(index, host, since, epoch, step_s, target).await;
            sent.inspect_err(|refused| give_up(&name, refused)).ok()
        });
    }
    let all = async {
        let mut agents = Vec::new();
        while let Some(host) = hosts.join_next().await {
            agents.extend(host?);
        }
        anyhow::Ok(agents)
    };
    let agents = tokio::select! {
        agents = all => agents?,
        () = target.progress.keep_reporting("Sending history", REPORT_EVERY, &target.server) => {
            Vec::new()
        }
    };
    if agents.is_empty() {
        bail!("the server refused every host");
    }
    Ok(agents)
}

/// Enrols a host and sends its history.
pub(in crate::commands) async fn send_host(
    index: usize,
    host: HostSim,
    since: Timestamp,
    epoch: Timestamp,
    step_s: u32,
    target: Arc<Target>,
) -> Result<Agent, Refused> {
    let mut uplink = Uplink::enrol(target, &host).await?;
    let mut recorder = Recorder::new(host);
    let mut times = times(since, epoch, step_s);
    loop {
        // Making frames is work for a processor, not for the loop that waits for the network.
        let made = spawn_blocking(move || {
            let frames = recorder.record(&mut times);
            (recorder, times, frames)
        });
        let frames;
        (recorder, times, frames) = made.await.map_err(|e| Refused::Other(e.to_string()))?;
        if frames.is_empty() {
            break;
        }
        uplink.send_frames(&mut recorder, &frames).await?;
    }
    uplink.send_events(&mut recorder, since, epoch).await?;
    uplink.send_inventory(&recorder).await?;
    Ok(Agent { index, recorder, uplink })
}
