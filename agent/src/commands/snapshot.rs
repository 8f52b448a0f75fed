//! `snapshot`: measure once and print it.

use std::{io::Write, path::Path};

use clap::Args;
use poolwatch_agent::{
    clock::SystemClock,
    machine::Status,
    poolmon::{self, SortBy},
    settings::Settings,
};
use poolwatch_protocol::v1::messages::SnapshotUpload;

use super::source;

#[derive(Debug, Args)]
pub(super) struct Snapshot {
    /// Print JSON, as the server takes it at /api/v1/snapshots
    #[arg(long)]
    json: bool,

    /// What the table is sorted by
    #[arg(long, value_enum, default_value_t)]
    sort: SortBy,
}

impl Snapshot {
    pub(super) fn execute(self, replay: Option<&Path>, settings: &Settings) -> anyhow::Result<()> {
        let clock = SystemClock::start();
        let mut machine = source::open(replay, clock)?;
        let now = machine.now();
        let snapshot = source::measure_once(machine.as_mut(), replay, &clock, settings);
        let mut out = std::io::stdout().lock();
        if self.json {
            let host = machine.facts().fqdn;
            let upload = SnapshotUpload { host, time: Some(now.wall), snapshot };
            serde_json::to_writer_pretty(&mut out, &upload)?;
            writeln!(out)?;
        } else {
            out.write_all(poolmon::table(&snapshot, self.sort).as_bytes())?;
            for fault in &snapshot.faults {
                writeln!(out, " {}: {}", fault.collector, Status::failure(fault.status))?;
            }
        }
        Ok(())
    }
}
