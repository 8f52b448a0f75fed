//! `snapshot`: measure once and print it.

use std::{io::Write, path::Path};

use lexopt::{Error, Parser, ValueExt};
use poolwatch_agent::{
    clock::SystemClock,
    machine::Status,
    poolmon::{self, SortBy},
    settings::Settings,
};
use poolwatch_protocol::v1::messages::SnapshotUpload;

use super::{arguments::Arguments, source};

#[derive(Debug, Default)]
pub(super) struct Snapshot {
    json: bool,
    sort: SortBy,
}

impl Arguments for Snapshot {
    fn help(&self) -> &'static str {
        "\
Measure once and print it

Usage: poolwatch-agent snapshot [FLAGS]

Flags:
  --json
      Print JSON, as the server takes it at /api/v1/snapshots
  --sort <BY>
      What the table is sorted by: tag, allocs, frees, diff, bytes (the default) or per-alloc
"
    }

    fn flag(&mut self, flag: &str, parser: &mut Parser) -> Result<bool, Error> {
        match flag {
            "json" => self.json = true,
            "sort" => {
                let by = parser.value()?.string()?;
                let known = SortBy::named(&by);
                self.sort = known.ok_or_else(|| format!("--sort is one of {}", SortBy::NAMES))?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
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
