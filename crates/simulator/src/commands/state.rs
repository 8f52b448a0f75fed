//! `state`: fill a server with a fleet of some size, over the protocol, so that its pages can be
//! tried. The hosts are those of `demo` with the same seed and number.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, bail};
use clap::Args;
use jiff::SignedDuration;
use poolwatch_simulator::Fleet;
use tokio::task::JoinSet;

use super::{
    ServerOptions,
    demo::{Target, agent::give_up, history, progress::Progress},
};
use crate::{client::Server, clock};

/// Requests under way at a time: what the database can commit together.
const CONNECTIONS: usize = 32;
/// Hosts that are made and sent at a time; bounds memory.
const HOSTS_AT_A_TIME: usize = 48;
const REPORT_EVERY: Duration = Duration::from_secs(5);

/// Options of `state`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    server: ServerOptions,
    /// Hosts of the fleet.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    hosts: u32,
    /// What all chance comes from: the same seed makes the same fleet.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Days of history of each host; its state now alone, when 0.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=366))]
    days: u32,
    /// Seconds between two frames of history.
    #[arg(long, default_value_t = 3600, value_parser = clap::value_parser!(u32).range(10..=86_400))]
    step_s: u32,
}

pub(super) async fn run(options: Options) -> Result<()> {
    let ServerOptions { server, token, ca_file } = options.server;
    let server = Server::new(&server, ca_file.as_deref(), CONNECTIONS)?;
    let target = Arc::new(Target { server, token, progress: Progress::default() });
    let fleet = Arc::new(Fleet::new(options.seed, options.hosts as usize, clock::now()));
    let history = SignedDuration::from_hours(24 * i64::from(options.days));
    let filled = fill(&fleet, history, options.step_s, &target);
    let reporting = target.progress.keep_reporting("Filling", REPORT_EVERY, &target.server);
    let sent = tokio::select! {
        sent = filled => sent?,
        () = reporting => 0,
    };
    target.progress.report("Filled", &target.server);
    if sent < fleet.hosts().len() {
        bail!("the server refused {} hosts", fleet.hosts().len() - sent);
    }
    Ok(())
}

/// Sends all hosts. Returns how many the server took.
async fn fill(
    fleet: &Arc<Fleet>,
    history: SignedDuration,
    step_s: u32,
    target: &Arc<Target>,
) -> Result<usize> {
    let epoch = fleet.scenario().epoch;
    let since = epoch.saturating_sub(history)?;
    let mut left = 0..fleet.hosts().len();
    let mut sending = JoinSet::new();
    let mut sent = 0;
    loop {
        while sending.len() < HOSTS_AT_A_TIME
            && let Some(index) = left.next()
        {
            let (fleet, target) = (Arc::clone(fleet), Arc::clone(target));
            sending.spawn(async move {
                let host = fleet.simulate(index);
                let name = host.plan().name.clone();
                let sent = history::send_host(index, host, since, epoch, step_s, target).await;
                sent.inspect_err(|refused| give_up(&name, refused)).is_ok()
            });
        }
        match sending.join_next().await {
            Some(taken) => sent += usize::from(taken?),
            None => return Ok(sent),
        }
    }
}
