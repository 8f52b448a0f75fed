//! `selftest`: whether what the collectors say can be true.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use anyhow::{Context, bail};
use lexopt::{Error, Parser};
use poolwatch_agent::{
    anonymous::anonymise,
    capture::{Capture, take_round},
    clock::{Clock, SystemClock},
    events::EventLog,
    machine::InfoClass,
    selftest::{self, Outcome, Own},
};

use super::{arguments::Arguments, source};

/// Rounds of the capture, and what lies between two of them.
const ROUNDS: usize = 3;
const BETWEEN: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(super) struct Selftest {
    report: Option<PathBuf>,
    capture: Option<PathBuf>,
    anonymous: bool,
}

impl Arguments for Selftest {
    fn help(&self) -> &'static str {
        "\
Check that what is measured can be true, and write a report

Usage: poolwatch-agent selftest [FLAGS]

Flags:
  --report <FILE>
      Also write the report to a file
  --capture <FILE>
      Keep what the kernel says in a file, to be read on any machine
  --anonymous
      Leave names and addresses out of the capture
"
    }

    fn flag(&mut self, flag: &str, parser: &mut Parser) -> Result<bool, Error> {
        match flag {
            "report" => self.report = Some(parser.value()?.into()),
            "capture" => self.capture = Some(parser.value()?.into()),
            "anonymous" => self.anonymous = true,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn check(&self) -> Result<(), Error> {
        if self.anonymous && self.capture.is_none() {
            return Err("--anonymous needs --capture".into());
        }
        Ok(())
    }
}

impl Selftest {
    pub(super) fn execute(self, replay: Option<&Path>) -> anyhow::Result<()> {
        let clock = SystemClock::start();
        let mut machine = source::open(replay, clock)?;
        let mut log = source::event_log(replay);
        let log = log.as_mut().map(|log| &mut **log as &mut dyn EventLog);
        let own = if replay.is_none() { own() } else { None };
        let checks = selftest::run(machine.as_mut(), &clock, own, log);
        let report = selftest::report(&machine.facts(), clock.wall(), &checks);
        std::io::stdout().lock().write_all(report.as_bytes())?;
        if let Some(path) = &self.report {
            std::fs::write(path, &report)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        if let Some(path) = &self.capture {
            let file = File::create_new(path)
                .with_context(|| format!("cannot create {}", path.display()))?;
            let mut rounds = Vec::new();
            for round in 0..ROUNDS {
                // A replay has its time in itself.
                if round > 0 && replay.is_none() {
                    thread::sleep(BETWEEN);
                }
                rounds.push(take_round(machine.as_mut(), &InfoClass::ALL));
            }
            let mut capture = Capture { facts: machine.facts(), rounds };
            if self.anonymous {
                anonymise(&mut capture);
            }
            capture.write(BufWriter::new(file))?;
        }
        let bad = checks.iter().filter(|check| check.outcome == Outcome::Bad).count();
        if bad > 0 {
            bail!("{bad} checks found figures that cannot be");
        }
        Ok(())
    }
}

#[cfg(windows)]
fn own() -> Option<Own> {
    let handles = poolwatch_agent::windows::own_handles()?;
    Some(Own { pid: std::process::id(), handles })
}

#[cfg(not(windows))]
fn own() -> Option<Own> {
    None
}
