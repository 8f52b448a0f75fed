//! Options of `load`.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use crate::commands::ServerOptions;

/// Options of `load`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(super) server: ServerOptions,
    /// Hosts, each with its own key and boot.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(super) hosts: u32,
    /// Seconds between two frames of a host: hosts divided by it is the rate.
    #[arg(long, default_value = "60", value_parser = interval)]
    pub(super) interval: Duration,
    /// Seconds to measure, after one interval in which every host sends its first frame. With 0
    /// only the backlog is sent.
    #[arg(long, default_value_t = 60)]
    pub(super) duration: u64,
    /// Seconds of load after that first interval and before measuring: first frames are key frames,
    /// and so many at once keep a server busy for a while.
    #[arg(long, default_value_t = 0)]
    pub(super) warm_up: u64,
    /// Connections that the hosts share.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(super) connections: u32,
    /// A connection for each host instead.
    #[arg(long, conflicts_with = "connections")]
    pub(super) connection_per_host: bool,
    /// Frames that each host has kept from before, to be sent first and as fast as possible.
    #[arg(long, default_value_t = 0)]
    pub(super) backlog: u32,
    /// Frames of a request at most.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) batch: u16,
    /// In so many of a hundred cases each: an upload is sent twice, sent after the next one, or the
    /// host's wall clock jumps.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=50))]
    pub(super) disorder: u8,
    /// What all chance comes from: the same seed makes the same hosts.
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// Where to write what was acknowledged: host, boot, sequence number and SHA-256 of the frame,
    /// one frame a line.
    #[arg(long)]
    pub(super) record: Option<PathBuf>,
    /// Print the figures as one line of JSON.
    #[arg(long)]
    pub(super) json: bool,
}

impl Options {
    /// Connections in all.
    pub(super) fn connections(&self) -> u32 {
        if self.connection_per_host { self.hosts } else { self.connections.min(self.hosts) }
    }
}

fn interval(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    if (0.1..=3600.0).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err("0.1 to 3600 seconds".into())
    }
}
