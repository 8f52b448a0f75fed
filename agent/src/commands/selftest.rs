//! `selftest`: whether what the collectors say can be true.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use anyhow::{Context, bail};
use clap::Args;
use poolwatch_agent::{
    anonymous::anonymise,
    capture::{Capture, take_round},
    clock::{Clock, SystemClock},
    events::EventLog,
    machine::InfoClass,
    selftest::{self, Outcome, Own},
};

use super::source;

/// Rounds of the capture, and what lies between two of them.
const ROUNDS: usize = 3;
const BETWEEN: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
pub(super) struct Selftest {
    /// Also write the report to a file
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    /// Keep what the kernel says in a file, to be read on any machine
    #[arg(long, value_name = "FILE")]
    capture: Option<PathBuf>,

    /// Leave names and addresses out of the capture
    #[arg(long, requires = "capture")]
    anonymous: bool,
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
