//! The command line: one file per command.

mod capture;
mod run;
mod selftest;
#[cfg(windows)]
mod service;
mod snapshot;
mod source;
mod sources;
mod status;

use std::{io, path::PathBuf};

use clap::{Parser, Subcommand};
use sources::SettingSources;
use tokio::runtime::Runtime;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Measures the kernel's memory pools of this Windows host and sends them to a Poolwatch server.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,

    /// Measure a capture instead of this machine
    #[arg(long, global = true, env = "POOLWATCH_REPLAY", value_name = "FILE")]
    replay: Option<PathBuf>,

    /// How much is logged: off, error, warn, info, debug or trace
    #[arg(long, global = true, env = "POOLWATCH_LOG", default_value = "info")]
    log_level: LevelFilter,

    #[command(flatten)]
    sources: SettingSources,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure and send until stopped
    Run(run::Run),
    /// Measure once and print it
    Snapshot(snapshot::Snapshot),
    /// Keep what the kernel says in a file, to be read on any machine
    Capture(capture::Capture),
    /// Check that what is measured can be true, and write a report
    Selftest(selftest::Selftest),
    /// Show the settings that hold, where they come from, and what waits to be sent
    Status(status::Status),
    /// Run as a Windows service
    #[cfg(windows)]
    Service(service::Service),
}

pub(crate) fn execute(cli: Cli) -> anyhow::Result<()> {
    let Cli { command, replay, log_level, sources } = cli;
    let replay = replay.as_deref();
    if !command.is_started_by_windows() {
        start_logging(log_level, io::stderr);
    }
    match command {
        Command::Run(command) => command.execute(replay, &sources.read()?),
        Command::Snapshot(command) => command.execute(replay, &sources.read()?),
        Command::Capture(command) => command.execute(replay),
        Command::Selftest(command) => command.execute(replay),
        Command::Status(command) => command.execute(replay, &sources.read()?),
        #[cfg(windows)]
        Command::Service(command) => command.execute(sources, log_level),
    }
}

impl Command {
    /// Whether nobody sees what is written to the console.
    fn is_started_by_windows(&self) -> bool {
        match self {
            #[cfg(windows)]
            Self::Service(service) => service.is_started_by_windows(),
            _ => false,
        }
    }
}

fn start_logging(level: LevelFilter, to: impl for<'a> MakeWriter<'a> + Send + Sync + 'static) {
    tracing_subscriber::fmt()
        .with_writer(to)
        .with_max_level(level)
        .with_ansi(false)
        .with_target(false)
        .init();
}

/// One thread, made at the start, for all that is done at the same time.
fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}
