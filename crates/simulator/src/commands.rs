//! The subcommands.

mod demo;
mod load;
mod state;
mod truth;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};
use poolwatch_simulator::Fleet;

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Send a fleet's history to a server, then keep it alive.
    Demo(demo::Options),
    /// Send as many frames as a server can take, and tell how it does.
    Load(Box<load::Options>),
    /// Fill a server with a fleet of some size, so that its pages can be tried.
    State(state::Options),
    /// Print what is planted in a fleet.
    Truth(truth::Options),
}

impl Command {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Demo(options) => demo::run(options).await,
            Self::Load(options) => load::run(*options).await,
            Self::State(options) => state::run(options).await,
            Self::Truth(options) => truth::run(&options),
        }
    }
}

/// Which server.
#[derive(Debug, Clone, Args)]
struct ServerOptions {
    /// Address of the server (`https://poolwatch.example`).
    #[arg(long, env = "POOLWATCH_SERVER")]
    server: String,
    /// Enrolment token.
    #[arg(long, env = "POOLWATCH_TOKEN", hide_env_values = true)]
    token: String,
    /// Certificates (PEM) that alone are trusted.
    #[arg(long)]
    ca_file: Option<PathBuf>,
}

/// Which fleet.
#[derive(Debug, Clone, Args)]
struct FleetOptions {
    /// Hosts of the fleet; causes are planted on the first five and on 40 % of the others.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    hosts: u32,
    /// What all chance comes from: the same seed makes the same fleet.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Hours of history before it goes live.
    #[arg(long, default_value_t = 48, value_parser = clap::value_parser!(u32).range(0..=8784))]
    history_hours: u32,
    /// Where history ends (RFC 3339); now, when absent.
    #[arg(long)]
    epoch: Option<Timestamp>,
}

impl FleetOptions {
    fn fleet(&self) -> Fleet {
        Fleet::new(self.seed, self.hosts as usize, self.epoch.unwrap_or_else(crate::clock::now))
    }

    /// When the data of a fleet begin.
    fn since(&self, fleet: &Fleet) -> Timestamp {
        let history = SignedDuration::from_hours(i64::from(self.history_hours));
        fleet.scenario().epoch.saturating_sub(history).unwrap_or(Timestamp::MIN)
    }
}
