//! A fleet that lives: each frame is sent when it is due, whether or not those before were quick,
//! and its latency counts from then.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use jiff::{SignedDuration, Timestamp};
use poolwatch_simulator::load::{Disorder, LoadHost};
use tokio::time::timeout;
use tracing::info;

use super::{
    counts::Counts,
    lane::{self, Lane},
    options::Options,
    report::{Live, Report},
    uplink::Pending,
};
use crate::clock;

const REPORT_EVERY: Duration = Duration::from_secs(10);
/// How long after the end an answer is waited for.
const GRACE: Duration = Duration::from_secs(120);

/// What lanes have to know.
#[derive(Debug)]
struct Plan {
    first: Timestamp,
    /// After every host has sent its first frame, and the warm-up.
    measure_from: Timestamp,
    until: Timestamp,
    batch: usize,
    disorder: u8,
    warm_up: Counts,
    measured: Counts,
    /// Uploads that the server had acknowledged already.
    repeated: Counts,
    /// Frames that were due before the end and were not sent.
    behind: AtomicU64,
}

pub(super) async fn send(lanes: Vec<Lane>, options: &Options, report: &mut Report) -> Result<()> {
    let first = clock::now();
    let warm_up = options.interval + Duration::from_secs(options.warm_up);
    let measure_from = first.saturating_add(SignedDuration::try_from(warm_up)?)?;
    let until = measure_from.saturating_add(Duration::from_secs(options.duration))?;
    let plan = Arc::new(Plan {
        first,
        measure_from,
        until,
        batch: usize::from(options.batch),
        disorder: options.disorder,
        warm_up: Counts::new()?,
        measured: Counts::new()?,
        repeated: Counts::new()?,
        behind: AtomicU64::new(0),
    });
    let at_most = warm_up + Duration::from_secs(options.duration) + GRACE;
    let lanes = lane::all(lanes, |lane| send_lane(lane, Arc::clone(&plan)));
    tokio::select! {
        sent = timeout(at_most, lanes) => {
            sent.context("the server did not answer for two minutes after the end")??;
        }
        () = keep_reporting(&plan) => {}
    }
    let seconds = clock::now().duration_since(measure_from).as_secs_f64();
    for counts in [&plan.warm_up, &plan.measured, &plan.repeated] {
        report.refused += counts.refused.load(Relaxed);
        report.retries += counts.retries.load(Relaxed);
    }
    report.live =
        Some(Live::new(&plan.measured, &plan.warm_up, seconds, plan.behind.load(Relaxed)));
    Ok(())
}

async fn send_lane(mut lane: Lane, plan: Arc<Plan>) -> Result<Lane> {
    let boot = |member: &lane::Member| lane.uplink.boot(member.index, plan.first);
    let mut hosts: Vec<LoadHost> = lane.members.iter().map(boot).collect::<Result<_>>()?;
    let mut held: Vec<Option<Pending>> = hosts.iter().map(|_| None).collect();
    'living: loop {
        for (at, host) in hosts.iter_mut().enumerate() {
            let due = host.due();
            if due >= plan.until || clock::now() >= plan.until {
                break 'living;
            }
            clock::sleep_until(due).await;
            let counts = if due < plan.measure_from { &plan.warm_up } else { &plan.measured };
            let Some(pending) = lane.uplink.take_due(host, clock::now(), plan.batch)? else {
                continue;
            };
            let disorder = host.draw_disorder(plan.disorder);
            let earlier = held[at].take();
            if disorder == Disorder::Swap && earlier.is_none() {
                held[at] = Some(pending);
                continue;
            }
            let credentials = &lane.members[at].credentials;
            lane.uplink.send(credentials, host, &pending, counts).await?;
            if disorder == Disorder::Repeat {
                lane.uplink.send(credentials, host, &pending, &plan.repeated).await?;
            }
            if let Some(earlier) = earlier {
                lane.uplink.send(credentials, host, &earlier, counts).await?;
            }
        }
    }
    for ((member, host), held) in lane.members.iter().zip(&mut hosts).zip(held) {
        if let Some(pending) = held {
            lane.uplink.send(&member.credentials, host, &pending, &plan.measured).await?;
        }
        plan.behind.fetch_add(host.due_before(plan.until), Relaxed);
    }
    Ok(lane)
}

async fn keep_reporting(plan: &Plan) {
    clock::sleep_until(plan.measure_from).await;
    info!(first_frames = plan.warm_up.acknowledged(), "Measuring");
    let mut before = 0;
    loop {
        tokio::time::sleep(REPORT_EVERY).await;
        let frames = plan.warm_up.acknowledged() + plan.measured.acknowledged();
        let per_s = (frames - before) / REPORT_EVERY.as_secs();
        let p99_ms = plan.measured.latency_ms(0.99) as u64;
        info!(frames, per_s, p99_ms, "Live");
        before = frames;
    }
}
