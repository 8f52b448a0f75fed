//! `demo`: send a fleet's history to a server, then keep it alive.

pub(super) mod agent;
mod dry_run;
pub(super) mod history;
mod live;
pub(super) mod progress;

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use clap::Args;
use jiff::Timestamp;
use poolwatch_simulator::{Fleet, Truth};
use tracing::info;

use self::progress::Progress;
use super::FleetOptions;
use crate::{client::Server, clock};

/// Requests under way at a time.
const CONNECTIONS: usize = 8;

/// Options of `demo`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    fleet: FleetOptions,
    /// Address of the server (`https://poolwatch.example`).
    #[arg(long, env = "POOLWATCH_SERVER", required_unless_present = "dry_run")]
    server: Option<String>,
    /// Enrolment token.
    #[arg(
        long,
        env = "POOLWATCH_TOKEN",
        required_unless_present = "dry_run",
        hide_env_values = true
    )]
    token: Option<String>,
    /// Certificates (PEM) that alone are trusted.
    #[arg(long)]
    ca_file: Option<PathBuf>,
    /// Seconds between two frames of history.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    history_step_s: u32,
    /// Seconds between two live frames of a host.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=3600))]
    interval: u32,
    /// How many times faster than the clock hosts live once they are live. Their frames carry true
    /// times; what grows, grows faster.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=3600))]
    speed: u32,
    /// Where to write what is planted, as JSON: at start, and again when the fleet goes live.
    #[arg(long)]
    truth: Option<PathBuf>,
    /// Seconds to stay live; without it, until interrupted.
    #[arg(long)]
    duration: Option<u64>,
    /// Make the history, send nothing, and print how fast that went.
    #[arg(long)]
    dry_run: bool,
}

/// Who and where a run sends to.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) server: Server,
    pub(super) token: String,
    pub(super) progress: Progress,
}

pub(super) async fn run(options: Options) -> Result<()> {
    let mut fleet = options.fleet.fleet();
    let since = options.fleet.since(&fleet);
    if options.dry_run {
        return dry_run::run(&fleet, since, options.history_step_s);
    }
    let (Some(server), Some(token)) = (&options.server, &options.token) else {
        anyhow::bail!("--server and --token say where to send to");
    };
    write_truth(&options, &fleet.truth(since))?;
    let target = Arc::new(Target {
        server: Server::new(server, options.ca_file.as_deref(), CONNECTIONS)?,
        token: token.clone(),
        progress: Progress::default(),
    });
    let story = tell(&options, &mut fleet, since, &target);
    tokio::select! {
        told = story => told?,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted.context("waiting for Ctrl-C")?;
            info!("Interrupted");
        }
    }
    target.progress.report("Ended", &target.server);
    Ok(())
}

/// History first, then live.
async fn tell(
    options: &Options,
    fleet: &mut Fleet,
    since: Timestamp,
    target: &Arc<Target>,
) -> Result<()> {
    let step_s = options.history_step_s;
    info!(hosts = fleet.hosts().len(), %since, step_s, "Sending history");
    let agents = history::send(fleet, since, step_s, target).await?;
    target.progress.report("History sent", &target.server);
    fleet.go_live(clock::now(), options.speed);
    write_truth(options, &fleet.truth(since))?;
    info!(hosts = agents.len(), interval_s = options.interval, speed = options.speed, "Live");
    let live = live::run(fleet, agents, options.interval, target);
    match options.duration {
        None => live.await,
        Some(seconds) => {
            // Out of time is how such a run is meant to end.
            tokio::time::timeout(Duration::from_secs(seconds), live).await.unwrap_or(Ok(()))
        }
    }
}

fn write_truth(options: &Options, truth: &Truth) -> Result<()> {
    let Some(path) = &options.truth else { return Ok(()) };
    let mut text = serde_json::to_vec_pretty(truth)?;
    text.push(b'\n');
    std::fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}
