//! `status`: the settings that hold, what was sent, what waits, and what is missing.

use std::{io::Write, path::Path};

use lexopt::{Error, Parser};
use poolwatch_agent::{
    clock::SystemClock, identity::IdentityFile, settings::Settings, spool::Spool,
    status::AgentStatus, suggested::Suggested,
};
use poolwatch_model::snapshot::CollectorFault;

use super::{SettingSources, arguments::Arguments, source};

#[derive(Debug, Default)]
pub(super) struct Status {
    json: bool,
    local: bool,
}

impl Arguments for Status {
    fn help(&self) -> &'static str {
        "\
Show the settings that hold, where they come from, what was sent, what waits and what is missing

Usage: poolwatch-agent status [FLAGS]

The running service is asked, which needs no administrator. Where it does not answer, this program
looks by itself.

Flags:
  --json
      Print JSON
  --local
      Do not ask the service: show what would hold for this command line
"
    }

    fn flag(&mut self, flag: &str, _: &mut Parser) -> Result<bool, Error> {
        match flag {
            "json" => self.json = true,
            "local" => self.local = true,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Status {
    pub(super) fn execute(
        self,
        replay: Option<&Path>,
        sources: &SettingSources,
    ) -> anyhow::Result<()> {
        let is_of_service = replay.is_none() && !self.local && sources.is_empty();
        let status = match is_of_service.then(ask_service).flatten() {
            Some(status) => status,
            None => look(replay, &sources.read()?),
        };
        let mut out = std::io::stdout().lock();
        if self.json {
            serde_json::to_writer_pretty(&mut out, &status)?;
            writeln!(out)?;
        } else {
            write!(out, "{}", status.text())?;
        }
        Ok(())
    }
}

/// What can be seen without the service.
fn look(replay: Option<&Path>, settings: &Settings) -> AgentStatus {
    let folder = settings.spool_dir();
    let suggested = Suggested::inspect(&folder).interval_s;
    let settings = settings.clone().with_suggested_interval(suggested);
    let mut status = AgentStatus::of_settings(&settings);
    if let Some(identity) = IdentityFile::inspect(&folder) {
        status.add_identity(&identity);
    }
    if let Ok(spool) = Spool::inspect(&folder) {
        status.add_spool(&spool);
    }
    status.service = service_state();
    match faults(replay, &settings) {
        Ok(faults) => status.faults = Some(faults),
        Err(error) => status.problems.extend(why_not(&error)),
    }
    status
}

/// What cannot be measured here, and why.
fn faults(replay: Option<&Path>, settings: &Settings) -> anyhow::Result<Vec<CollectorFault>> {
    let clock = SystemClock::start();
    let mut machine = source::open(replay, clock)?;
    Ok(source::measure_once(machine.as_mut(), replay, &clock, settings).faults)
}

/// What keeps this program from measuring, where that is to be mended.
#[cfg(windows)]
#[expect(clippy::unnecessary_wraps, reason = "says nothing elsewhere")]
fn why_not(error: &anyhow::Error) -> Option<String> {
    Some(format!("{error:#}"))
}

#[cfg(not(windows))]
fn why_not(_: &anyhow::Error) -> Option<String> {
    None
}

#[cfg(windows)]
fn ask_service() -> Option<AgentStatus> {
    serde_json::from_slice(&poolwatch_agent::windows::ask_status()?).ok()
}

#[cfg(not(windows))]
fn ask_service() -> Option<AgentStatus> {
    None
}

#[cfg(windows)]
fn service_state() -> Option<String> {
    poolwatch_agent::windows::service_state()
}

#[cfg(not(windows))]
fn service_state() -> Option<String> {
    None
}
