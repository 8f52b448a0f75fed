//! `status`: the settings that hold, and what waits to be sent.

use std::{io::Write, path::Path};

use lexopt::{Error, Parser};
use poolwatch_agent::{
    clock::SystemClock,
    identity::IdentityFile,
    machine::Status as Reason,
    settings::{Effective, Settings},
    spool::Spool,
};
use poolwatch_model::{Bytes, snapshot::CollectorFault};
use serde_json::json;

use super::{arguments::Arguments, source};

#[derive(Debug, Default)]
pub(super) struct Status {
    json: bool,
}

impl Arguments for Status {
    fn help(&self) -> &'static str {
        "\
Show the settings that hold, where they come from, and what waits to be sent

Usage: poolwatch-agent status [FLAGS]

Flags:
  --json
      Print JSON
"
    }

    fn flag(&mut self, flag: &str, _: &mut Parser) -> Result<bool, Error> {
        self.json |= flag == "json";
        Ok(flag == "json")
    }
}

impl Status {
    pub(super) fn execute(self, replay: Option<&Path>, settings: &Settings) -> anyhow::Result<()> {
        let folder = settings.spool_dir();
        let identity = IdentityFile::inspect(&folder);
        let enrolled = identity.as_ref().and_then(|identity| identity.enrolled.as_ref());
        let spool = Spool::inspect(&folder).ok();
        let faults = faults(replay, settings);
        let service = service_state();
        let mut out = std::io::stdout().lock();
        if self.json {
            let values: serde_json::Map<_, _> = settings
                .effective()
                .iter()
                .map(|each| {
                    let said = json!({ "value": shown(each), "source": each.source });
                    (each.setting.name.to_owned(), said)
                })
                .collect();
            let status = json!({
                "version": env!("CARGO_PKG_VERSION"),
                "settings": values,
                "problems": settings.problems,
                "instance_id": identity.as_ref().map(|identity| identity.instance_id),
                "host_id": enrolled.map(|(_, host_id)| host_id),
                "enrolled_at": enrolled.map(|(server_url, _)| server_url),
                "service": service,
                "faults": faults,
                "spool": spool.map(|spool| json!({
                    "segments": spool.segments,
                    "bytes": spool.bytes,
                    "dropped_frames": spool.dropped,
                })),
            });
            serde_json::to_writer_pretty(&mut out, &status)?;
            writeln!(out)?;
            return Ok(());
        }
        for each in settings.effective() {
            let value = shown(each).unwrap_or_else(|| "-".to_owned());
            writeln!(out, "{:<14} {:<14} {value}", each.setting.name, each.source)?;
        }
        for problem in &settings.problems {
            writeln!(out, "Passed over: {problem}")?;
        }
        writeln!(out)?;
        match (&identity, enrolled) {
            (Some(_), Some((server_url, host_id))) => {
                writeln!(out, "Enrolled at {server_url} as host {host_id}")?;
            }
            (Some(identity), None) => {
                writeln!(out, "Not enrolled; instance {}", identity.instance_id)?;
            }
            (None, _) => writeln!(out, "Never started, or the spool may not be read by you")?,
        }
        if let Some(service) = service {
            writeln!(out, "Service: {service}")?;
        }
        for fault in faults.iter().flatten() {
            writeln!(out, "No {}: {}", fault.collector, Reason::failure(fault.status))?;
        }
        if let Some(spool) = spool {
            let size = Bytes(spool.bytes);
            writeln!(out, "Spool: {size}, {} frames dropped unsent", spool.dropped)?;
        }
        Ok(())
    }
}

/// What cannot be measured here, and why; `None` when there is nothing to measure.
fn faults(replay: Option<&Path>, settings: &Settings) -> Option<Vec<CollectorFault>> {
    let clock = SystemClock::start();
    let mut machine = source::open(replay, clock).ok()?;
    Some(source::measure_once(machine.as_mut(), replay, &clock, settings).faults)
}

#[cfg(windows)]
fn service_state() -> Option<String> {
    poolwatch_agent::windows::service_state()
}

#[cfg(not(windows))]
fn service_state() -> Option<String> {
    None
}

/// A value as it may be shown.
fn shown(effective: &Effective) -> Option<String> {
    let secret = effective.setting.secret;
    effective.value.as_ref().map(|value| if secret { "(set)".to_owned() } else { value.clone() })
}
