//! `capture`: keep what the kernel says in a file.

use std::{
    ffi::OsString,
    fs::File,
    io::BufWriter,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use anyhow::Context;
use lexopt::{Error, Parser, ValueExt};
use poolwatch_agent::{
    capture::{self, take_round},
    clock::SystemClock,
    machine::InfoClass,
};

use super::{arguments::Arguments, source};

#[derive(Debug)]
pub(super) struct Capture {
    file: Option<PathBuf>,
    rounds: u32,
    every: u32,
    handles: bool,
    from: Option<PathBuf>,
}

impl Default for Capture {
    fn default() -> Self {
        Self { file: None, rounds: 1, every: 60, handles: false, from: None }
    }
}

impl Arguments for Capture {
    fn help(&self) -> &'static str {
        "\
Keep what the kernel says in a file, to be read on any machine

Usage: poolwatch-agent capture <FILE> [FLAGS]

  <FILE>
      The file to write; one that is there already is left alone

Flags:
  --rounds <NUMBER>
      How many times to ask, 1 to 1000 (1)
  --every <SECONDS>
      Seconds between two times, 1 to 3600 (60)
  --handles
      Also list every handle: costly on a host with many
  --from <CAPTURE>
      Capture another capture instead of this machine
"
    }

    fn flag(&mut self, flag: &str, parser: &mut Parser) -> Result<bool, Error> {
        match flag {
            "rounds" => self.rounds = number(parser, flag, 1..=1000)?,
            "every" => self.every = number(parser, flag, 1..=3600)?,
            "handles" => self.handles = true,
            "from" => self.from = Some(parser.value()?.into()),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn word(&mut self, word: OsString) -> Result<bool, Error> {
        let is_first = self.file.is_none();
        self.file.get_or_insert(word.into());
        Ok(is_first)
    }

    fn check(&self) -> Result<(), Error> {
        if self.file.is_none() {
            return Err("a file to write is needed".into());
        }
        Ok(())
    }
}

fn number(parser: &mut Parser, flag: &str, within: RangeInclusive<u32>) -> Result<u32, Error> {
    let value = parser.value()?.parse().ok().filter(|value| within.contains(value));
    let wrong = || format!("--{flag} is from {} to {}", within.start(), within.end());
    value.ok_or_else(|| wrong().into())
}

impl Capture {
    pub(super) fn execute(self, replay: Option<&Path>) -> anyhow::Result<()> {
        let mut machine = source::open(self.from.as_deref().or(replay), SystemClock::start())?;
        let path = self.file.context("a file to write is needed")?;
        let file =
            File::create_new(&path).with_context(|| format!("cannot create {}", path.display()))?;
        let classes: Vec<InfoClass> = InfoClass::ALL
            .into_iter()
            .filter(|class| self.handles || *class != InfoClass::Handles)
            .collect();
        let mut rounds = Vec::new();
        for round in 0..self.rounds {
            if round > 0 {
                thread::sleep(Duration::from_secs(self.every.into()));
            }
            rounds.push(take_round(machine.as_mut(), &classes));
        }
        let capture = capture::Capture { facts: machine.facts(), rounds };
        capture.write(BufWriter::new(file))?;
        Ok(())
    }
}
