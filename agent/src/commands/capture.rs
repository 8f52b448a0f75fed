//! `capture`: keep what the kernel says in a file.

use std::{
    fs::File,
    io::BufWriter,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use anyhow::Context;
use clap::Args;
use poolwatch_agent::{
    capture::{self, take_round},
    clock::SystemClock,
    machine::InfoClass,
};

use super::source;

#[derive(Debug, Args)]
pub(super) struct Capture {
    /// The file to write; one that is there already is left alone
    file: PathBuf,

    /// How many times to ask
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,

    /// Seconds between two times
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    every: u64,

    /// Also list every handle: costly on a host with many
    #[arg(long)]
    handles: bool,

    /// Capture another capture instead of this machine
    #[arg(long, value_name = "CAPTURE")]
    from: Option<PathBuf>,
}

impl Capture {
    pub(super) fn execute(self, replay: Option<&Path>) -> anyhow::Result<()> {
        let mut machine = source::open(self.from.as_deref().or(replay), SystemClock::start())?;
        let file = File::create_new(&self.file)
            .with_context(|| format!("cannot create {}", self.file.display()))?;
        let classes: Vec<InfoClass> = InfoClass::ALL
            .into_iter()
            .filter(|class| self.handles || *class != InfoClass::Handles)
            .collect();
        let mut rounds = Vec::new();
        for round in 0..self.rounds {
            if round > 0 {
                thread::sleep(Duration::from_secs(self.every));
            }
            rounds.push(take_round(machine.as_mut(), &classes));
        }
        let capture = capture::Capture { facts: machine.facts(), rounds };
        capture.write(BufWriter::new(file))?;
        Ok(())
    }
}
