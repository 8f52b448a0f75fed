//! Live: each host sends a frame per interval, and its events when they happen.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, bail};
use jiff::{SignedDuration, Timestamp};
use poolwatch_simulator::Fleet;
use tokio::task::JoinSet;

use super::{
    Target,
    agent::{Agent, give_up},
};
use crate::{client::Refused, clock};

const REPORT_EVERY: Duration = Duration::from_secs(60);

/// Keeps all hosts alive, for ever.
pub(super) async fn run(
    fleet: &Fleet,
    agents: Vec<Agent>,
    interval_s: u32,
    target: &Arc<Target>,
) -> Result<()> {
    let interval = SignedDuration::from_secs(i64::from(interval_s));
    let hosts = fleet.hosts().len();
    let mut running = JoinSet::new();
    for mut agent in agents {
        fleet.bring_live(&mut agent.recorder.host);
        // Spread evenly over the interval.
        let phase_ms = i64::from(interval_s) * 1000 * (agent.index as i64 + 1) / hosts as i64;
        let epoch = fleet.scenario().epoch;
        let first = epoch.saturating_add(SignedDuration::from_millis(phase_ms)).unwrap_or(epoch);
        running.spawn(async move {
            let name = agent.recorder.host.plan().name.clone();
            if let Err(refused) = keep_alive(agent, epoch, first, interval).await {
                give_up(&name, &refused);
            }
        });
    }
    let all = async { while running.join_next().await.is_some() {} };
    tokio::select! {
        () = all => bail!("the server refused every host"),
        () = target.progress.keep_reporting("Live", REPORT_EVERY, &target.server) => Ok(()),
    }
}

/// One host's life. Frames that fall due while the server cannot take any are made up for after.
async fn keep_alive(
    mut agent: Agent,
    epoch: Timestamp,
    first: Timestamp,
    interval: SignedDuration,
) -> Result<(), Refused> {
    let (recorder, uplink) = (&mut agent.recorder, &mut agent.uplink);
    let mut due = first;
    let mut told = epoch;
    loop {
        let event = recorder.host.next_event_after(told);
        clock::sleep_until(event.map_or(due, |event| event.min(due))).await;
        let now = clock::now();
        let boot = recorder.last_boot();
        loop {
            let mut times = std::iter::from_fn(|| {
                let time = (due <= now).then_some(due)?;
                due = due.saturating_add(interval).unwrap_or(Timestamp::MAX);
                Some(time)
            });
            let frames = recorder.record(&mut times);
            if frames.is_empty() {
                break;
            }
            uplink.send_frames(recorder, &frames).await?;
        }
        uplink.send_events(recorder, epoch, now).await?;
        told = now;
        if recorder.last_boot() != boot {
            uplink.send_inventory(recorder).await?;
        }
    }
}
