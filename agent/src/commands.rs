//! The command line: one file per command.

mod capture;
mod run;
mod snapshot;
mod source;
mod status;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use poolwatch_agent::settings::{Layer, SettingFlags, Settings, default_file, read_file};
use tracing::level_filters::LevelFilter;

/// Measures the kernel's memory pools of this Windows host and sends them to a Poolwatch server.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,

    /// Settings file: TOML, or JSON when its name ends in .json
    #[arg(long, global = true, env = "POOLWATCH_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    /// Measure a capture instead of this machine
    #[arg(long, global = true, env = "POOLWATCH_REPLAY", value_name = "FILE")]
    replay: Option<PathBuf>,

    /// How much is logged: off, error, warn, info, debug or trace
    #[arg(long, global = true, env = "POOLWATCH_LOG", default_value = "info")]
    pub(crate) log_level: LevelFilter,

    #[command(flatten)]
    flags: SettingFlags,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure and send until stopped
    Run(run::Run),
    /// Measure once and print it
    Snapshot(snapshot::Snapshot),
    /// Keep what the kernel says in a file, to be read on any machine
    Capture(capture::Capture),
    /// Show the settings that hold, where they come from, and what waits to be sent
    Status(status::Status),
}

pub(crate) fn execute(cli: Cli) -> anyhow::Result<()> {
    let replay = cli.replay.as_deref();
    match cli.command {
        Command::Run(command) => command.execute(replay, &settings(cli.config, cli.flags)?),
        Command::Snapshot(command) => command.execute(replay, &settings(cli.config, cli.flags)?),
        Command::Capture(command) => command.execute(replay),
        Command::Status(command) => command.execute(&settings(cli.config, cli.flags)?),
    }
}

/// The settings that hold. A file that was named must be there; the usual one may be missing.
fn settings(config: Option<PathBuf>, flags: SettingFlags) -> anyhow::Result<Settings> {
    let mut layers = vec![flags.into_layer()];
    layers.extend(registry_layers());
    match config {
        Some(path) => layers.push(read_file(&path)?),
        None if default_file().exists() => layers.push(read_file(&default_file())?),
        None => {}
    }
    Ok(Settings::resolve(layers))
}

#[cfg(windows)]
fn registry_layers() -> Vec<Layer> {
    poolwatch_agent::settings::registry_layers()
}

#[cfg(not(windows))]
fn registry_layers() -> Vec<Layer> {
    Vec::new()
}
