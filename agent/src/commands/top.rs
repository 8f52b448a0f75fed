//! `top`: the tags of this host as they change, in a console.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use console::{Key, Term};
use lexopt::{Error, Parser, ValueExt};
use poolwatch_agent::{
    clock::SystemClock,
    collect::{CollectorSet, Sampler, inventory},
    live_table::{LiveTable, Pressed},
    survey::{Found, Survey},
};
use poolwatch_model::{driver_scan::FileHash, inventory::Driver};

use super::{arguments::Arguments, run::start_survey, source};

/// How often it is looked for what a scan found.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// What is drawn where there is no console.
const PAPER: (u16, u16) = (60, 200);

#[derive(Debug)]
pub(super) struct Top {
    every: u32,
    pictures: Option<u32>,
}

impl Default for Top {
    fn default() -> Self {
        Self { every: 5, pictures: None }
    }
}

impl Arguments for Top {
    fn help(&self) -> &'static str {
        "\
Show the pool tags of this host as they change, with what they stand for

Usage: poolwatch-agent top [FLAGS]

Keys: b bytes, c change since the start, d diff, a allocs, f frees, t tag: order; p one pool or both;
s looks for the tags in the files of the loaded drivers (some minutes, at low priority); q ends.

Flags:
  --every <SECONDS>
      Seconds between two pictures, 1 to 3600 (5)
  --count <NUMBER>
      End after so many pictures
"
    }

    fn flag(&mut self, flag: &str, parser: &mut Parser) -> Result<bool, Error> {
        let mut number = || {
            let value = parser.value()?.parse().ok().filter(|value| (1..=3600).contains(value));
            value.ok_or_else(|| Error::from(format!("--{flag} is from 1 to 3600")))
        };
        match flag {
            "every" => self.every = number()?,
            "count" => self.pictures = Some(number()?),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Top {
    pub(super) fn execute(self, replay: Option<&Path>) -> anyhow::Result<()> {
        let clock = SystemClock::start();
        let mut machine = source::open(replay, clock)?;
        let collectors: CollectorSet = "performance,pool_tags".parse()?;
        let mut sampler = Sampler::new(collectors, 0);
        let term = Term::buffered_stdout();
        let keys = term.is_term().then(|| read_keys(term.clone()));
        let mut table = LiveTable::default();
        let mut scan: Option<Scan> = None;
        let mut pictures = 0;
        if keys.is_some() {
            term.hide_cursor()?;
            term.clear_screen()?;
        }
        'pictures: loop {
            table.take(sampler.snapshot(machine.as_mut(), &clock, 0));
            pictures += 1;
            draw(&term, &table)?;
            if self.pictures.is_some_and(|most| pictures >= most) {
                break;
            }
            let next = Instant::now() + Duration::from_secs(self.every.into());
            while let Some(left) = next.checked_duration_since(Instant::now()) {
                match wait(keys.as_ref(), left.min(LOOK_EVERY)).map(|key| table.press(key)) {
                    Some(Pressed::End) => break 'pictures,
                    Some(Pressed::Scan) if scan.is_none() && replay.is_none() => {
                        scan = Scan::begin(inventory(machine.as_mut())?.drivers)?;
                        table.set_note("Reading driver files");
                    }
                    Some(_) => {}
                    None if scan.as_mut().is_some_and(|scan| scan.take_found(&mut table)) => {}
                    None => continue,
                }
                draw(&term, &table)?;
            }
        }
        if keys.is_some() {
            term.show_cursor()?;
        }
        term.flush()?;
        Ok(())
    }
}

/// Keys as they are pressed.
fn read_keys(term: Term) -> Receiver<char> {
    let (pressed, keys) = mpsc::channel();
    thread::spawn(move || {
        while let Ok(key) = term.read_key() {
            let key = match key {
                Key::Char(key) => key,
                Key::Escape => '\u{1b}',
                _ => continue,
            };
            if pressed.send(key).is_err() {
                break;
            }
        }
    });
    keys
}

/// The next key within a time; where there are no keys, the time passes.
fn wait(keys: Option<&Receiver<char>>, time: Duration) -> Option<char> {
    match keys.map(|keys| keys.recv_timeout(time)) {
        Some(Ok(key)) => Some(key),
        Some(Err(RecvTimeoutError::Timeout)) => None,
        Some(Err(RecvTimeoutError::Disconnected)) | None => {
            thread::sleep(time);
            None
        }
    }
}

fn draw(term: &Term, table: &LiveTable) -> anyhow::Result<()> {
    let is_console = term.is_term();
    let (height, width) = if is_console { term.size() } else { PAPER };
    // The last column and line stay free, or the console would scroll.
    let (width, height) = (usize::from(width).saturating_sub(1), usize::from(height));
    if is_console {
        term.move_cursor_to(0, 0)?;
    }
    for line in table.lines(width, height.saturating_sub(1)) {
        if is_console {
            term.write_line(&format!("{line:<width$}"))?;
        } else {
            term.write_line(line.trim_end())?;
        }
    }
    if is_console {
        term.clear_to_end_of_screen()?;
    }
    term.flush()?;
    Ok(())
}

/// A scan of the loaded drivers' files, under way.
struct Scan {
    survey: std::sync::Arc<Survey>,
    names: BTreeMap<FileHash, String>,
    files: usize,
}

impl Scan {
    fn begin(drivers: Vec<Driver>) -> anyhow::Result<Option<Self>> {
        let Some(survey) = start_survey(None)? else { return Ok(None) };
        survey.ask(drivers);
        Ok(Some(Self { survey, names: BTreeMap::new(), files: 0 }))
    }

    /// Brings what was found into the table; whether that was something.
    fn take_found(&mut self, table: &mut LiveTable) -> bool {
        let mut is_news = false;
        while let Some(found) = self.survey.found() {
            is_news = true;
            match found {
                Found::Inventory(inventory) => {
                    let hashed = |one: &Driver| Some((one.sha256?, one.name.clone()));
                    self.names = inventory.drivers.iter().filter_map(hashed).collect();
                    self.survey.ask_for_scans(inventory.drivers);
                }
                // Not asked for here.
                Found::TagList(_) => {}
                Found::Scans(scans) => {
                    for scan in &scans {
                        if let Some(driver) = self.names.get(&scan.sha256) {
                            table.take_scan(driver, scan);
                        }
                    }
                    self.files += scans.len();
                    table.set_note(format!("{} driver files scanned", self.files));
                }
            }
        }
        is_news
    }
}
