//! The command line: one file per command.

mod arguments;
mod capture;
mod run;
mod selftest;
#[cfg(windows)]
mod service;
mod snapshot;
mod source;
mod sources;
mod status;
mod top;

use std::io;

use arguments::{Arguments, Cli};
use sources::SettingSources;
use tokio::runtime::Runtime;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

pub(crate) use arguments::{Parsed, parse};

/// What is to be done.
#[derive(Debug)]
enum Command {
    Run(run::Run),
    Snapshot(snapshot::Snapshot),
    Capture(capture::Capture),
    Selftest(selftest::Selftest),
    Status(status::Status),
    Top(top::Top),
    #[cfg(windows)]
    Service(service::Service),
}

impl Command {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "run" => Self::Run(run::Run::default()),
            "snapshot" => Self::Snapshot(snapshot::Snapshot::default()),
            "capture" => Self::Capture(capture::Capture::default()),
            "selftest" => Self::Selftest(selftest::Selftest::default()),
            "status" => Self::Status(status::Status::default()),
            "top" => Self::Top(top::Top::default()),
            #[cfg(windows)]
            "service" => Self::Service(service::Service::default()),
            _ => return None,
        })
    }

    fn arguments(&mut self) -> &mut dyn Arguments {
        match self {
            Self::Run(command) => command,
            Self::Snapshot(command) => command,
            Self::Capture(command) => command,
            Self::Selftest(command) => command,
            Self::Status(command) => command,
            Self::Top(command) => command,
            #[cfg(windows)]
            Self::Service(command) => command,
        }
    }
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
        Command::Top(command) => command.execute(replay),
        Command::Status(command) => command.execute(replay, &sources),
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
