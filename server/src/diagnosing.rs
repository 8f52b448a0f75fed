//! A judgement on texts: what tools printed on one machine, without agent or database. The command
//! line and the console's evidence page use it alike.

mod findings;
mod report;
mod screen;

use poolwatch_analysis::catalogue::{Catalogue, Note};
use poolwatch_detection::texts::{diagnose_texts, places_of_fact};
use poolwatch_evidence::{
    CombinedEvidence, Fact, IgnoredReason, PooltagEntry, Reading, UnreadLine, combine,
    statements::{EndedProcesses, HandleSummary, UndatedState, UnplacedTag, VerifiedDriver},
};
use poolwatch_model::{
    Bytes,
    diagnosis::{Diagnosis, Evidence},
};
use poolwatch_web::{
    figures::{self, counted, grouped},
    steps::NextStep,
    words,
};

pub use findings::{FactPlaces, Findings, FoundTag, ReadText};
pub use report::Report;

/// What is looked for in texts.
pub const LOOKED_FOR: &str = "What is looked for: pool tags (poolmon, !poolused, tables), totals of the \
                              pools (!vm, Task Manager, Get-Counter, logs of Performance Monitor), \
                              processes with their handles (Get-Process, !process), Driver Verifier, \
                              events in words, XML or JSON, pooltag.txt, and sentences that name a tag \
                              or program with its numbers.";

/// The command that gets processes and totals on any Windows, without another tool.
pub const GET_IT: &str = "powershell -c \"Get-Process | Select-Object Name,Id,HandleCount; Get-Counter \
                          '\\Memory\\Pool Nonpaged Bytes','\\Memory\\Pool Paged Bytes'\" > evidence.txt";

/// What texts tell, and the judgement on it.
#[derive(Debug)]
pub struct Judged {
    /// The judgement.
    pub diagnosis: Diagnosis,
    /// Where the numbers of its facts stand (`pool.txt:14`), of those that have some of their own.
    pub places: Vec<FactPlaces>,
    /// What was observed beside it, in sentences, with their places.
    pub remarks: Vec<String>,
    /// What tags mean: by the administrator, by the texts themselves, built in.
    pub catalogue: Catalogue,
    /// What was read of each file.
    pub files: Vec<ReadFile>,
    /// The machine that events name.
    pub computer: Option<String>,
}

/// What was read of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadFile {
    /// Its name.
    pub name: String,
    /// What it was recognised as.
    pub kinds: Vec<String>,
    /// Lines that tell nothing.
    pub ignored: Vec<UnreadLine>,
}

impl Judged {
    /// Whether anything was understood.
    #[must_use]
    pub fn is_understood(&self) -> bool {
        self.files.iter().any(|file| !file.kinds.is_empty())
    }

    /// Where the numbers of a fact stand.
    pub(crate) fn places(&self, fact: &Evidence) -> &[String] {
        let known = self.places.iter().find(|known| known.fact == *fact);
        known.map_or(&[], |known| &known.places)
    }

    /// A fact as a sentence, with the places of its numbers in brackets.
    pub(crate) fn sentence(&self, fact: &Evidence) -> String {
        with_places(sentence(fact), self.places(fact))
    }

    /// What to do next, in words and commands, each with its method, 1 to 4.
    pub(crate) fn next_steps(&self) -> impl Iterator<Item = (u8, NextStep)> {
        let steps = self.diagnosis.next_steps.iter();
        steps.map(|step| (step.method(), words::step(step, None)))
    }
}

/// Judges the texts of one machine. What `catalogue` says of tags counts more than what the texts do.
#[must_use]
pub fn judge(readings: Vec<Reading>, mut catalogue: Catalogue) -> Judged {
    let files = readings.iter().map(read_file).collect();
    let mut combined = combine(readings);
    add(&mut catalogue, std::mem::take(&mut combined.catalogue));
    let diagnosis = diagnose_texts(&combined, &catalogue);
    let computer = combined.events.iter().find_map(|event| event.computer.clone());
    let places = words::facts(&diagnosis).into_iter().filter_map(|fact| {
        let places = places_of_fact(fact, &combined);
        let places: Vec<String> = places.iter().map(ToString::to_string).collect();
        (!places.is_empty()).then(|| FactPlaces { fact: fact.clone(), places })
    });
    Judged {
        places: places.collect(),
        remarks: remarks(&combined),
        diagnosis,
        catalogue,
        files,
        computer,
    }
}

/// Adds entries of a pooltag.txt to what is said of tags.
pub fn add(catalogue: &mut Catalogue, entries: Vec<PooltagEntry>) {
    let note = |entry: PooltagEntry| {
        (entry.pattern, Note { owner: entry.owner, meaning: entry.description })
    };
    catalogue.add_pooltag(entries.into_iter().map(note));
}

fn read_file(reading: &Reading) -> ReadFile {
    let mut kinds: Vec<String> = Vec::new();
    for piece in &reading.pieces {
        let kind = piece.kind.to_string();
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    let tells = |ignored: &&UnreadLine| ignored.reason != IgnoredReason::Stamp;
    ReadFile {
        name: reading.name.clone(),
        kinds,
        ignored: reading.ignored.iter().filter(tells).cloned().collect(),
    }
}

/// A fact as a sentence, with its time where it has one.
fn sentence(fact: &Evidence) -> String {
    let words = words::evidence(fact);
    match words::evidence_time(fact).filter(|time| time.as_second() > 0) {
        Some(time) => format!("{words} ({})", figures::utc(time)),
        None => words,
    }
}

fn with_places(sentence: String, places: &[String]) -> String {
    if places.is_empty() { sentence } else { format!("{sentence} [{}]", places.join(", ")) }
}

/// Facts that no judgement takes in yet, in sentences.
fn remarks(combined: &CombinedEvidence) -> Vec<String> {
    let told = |sentence: String, fact: Fact| {
        let place: Vec<String> =
            combined.sources.get(&fact).map(ToString::to_string).into_iter().collect();
        with_places(sentence, &place)
    };
    let undated_states =
        combined.undated_states.iter().filter_map(|undated| of_undated_state(undated, combined));
    let unplaced = combined.unplaced.iter().enumerate();
    let unplaced = unplaced.map(|(at, one)| told(of_unplaced(one), Fact::Unplaced(at)));
    let handles = combined.handles.iter().enumerate();
    let handles = handles.filter_map(|(at, one)| Some(told(of_handles(one)?, Fact::Handles(at))));
    let ended = combined.ended.iter().enumerate();
    let ended = ended.map(|(at, one)| told(of_ended(one), Fact::Ended(at)));
    let drivers = combined.verified.iter().enumerate().flat_map(|(at, driver)| {
        of_driver(driver).into_iter().map(move |sentence| told(sentence, Fact::Driver(at)))
    });
    undated_states
        .chain(unplaced.take(5))
        .chain(handles)
        .chain(ended)
        .chain(drivers)
        .take(20)
        .collect()
}

/// `After the driver update: Proc 312 outstanding, before 39,511.`
fn of_undated_state(undated: &UndatedState, combined: &CombinedEvidence) -> Option<String> {
    let before = combined.snapshots.last()?.snapshot.tags.as_ref()?;
    let after = undated.snapshot.tags.as_ref()?;
    let changes: Vec<String> = after
        .rows
        .iter()
        .filter_map(|row| {
            let old = before.get(row.tag)?;
            let all = |row: &poolwatch_model::tag::TagUse| {
                row.paged.outstanding.saturating_add(row.nonpaged.outstanding)
            };
            Some(format!(
                "{} {} outstanding, before {}",
                row.tag,
                grouped(all(row)),
                grouped(all(old))
            ))
        })
        .collect();
    (!changes.is_empty())
        .then(|| format!("\u{201c}{}\u{201d}: {}.", undated.remark, changes.join("; ")))
}

/// `Qvfz uses 2.1 GB in 8,388,410 allocations of a pool that the text does not tell.`
fn of_unplaced(tag: &UnplacedTag) -> String {
    let held = counted(tag.outstanding, "allocation", "allocations");
    let held = match (tag.bytes.0, tag.outstanding) {
        (_, 0) => tag.bytes.to_string(),
        (0, _) => held,
        _ => format!("{} in {held}", tag.bytes),
    };
    format!("{} uses {held} of a pool that the text does not tell.", tag.tag)
}

/// `A process holds 273,020 handles, most of them to Event objects (222,742).`
fn of_handles(summary: &HandleSummary) -> Option<String> {
    let (name, most) = summary.by_type.first()?;
    let who = summary.image.as_deref().unwrap_or("A process");
    let total = summary.total.unwrap_or_else(|| summary.by_type.iter().map(|(_, n)| n).sum());
    Some(format!(
        "{who} holds {}, most of them to {name} objects ({}).",
        counted(total, "handle", "handles"),
        grouped(*most)
    ))
}

/// `2,427 processes have ended and are still there …, most of them chrome.exe (2,400).`
fn of_ended(ended: &EndedProcesses) -> String {
    let most = ended.most.as_ref().map_or(String::new(), |(image, count)| {
        format!(", most of them {image} ({})", grouped(*count))
    });
    let (has, is) = if ended.processes == 1 { ("has", "is") } else { ("have", "are") };
    format!(
        "{} {has} ended and {is} still there, without object table and handles{most}: references of a \
         driver or handles of another program keep such processes.",
        counted(ended.processes, "process", "processes")
    )
}

/// `Driver Verifier counted 5,000 allocations of foo.sys in nonpaged pool, 312 kB.`
fn of_driver(driver: &VerifiedDriver) -> Vec<String> {
    [("nonpaged", driver.nonpaged), ("paged", driver.paged)]
        .into_iter()
        .filter_map(|(pool, counted)| Some((pool, counted.filter(|one| one.outstanding > 0)?)))
        .map(|(pool, one)| {
            format!(
                "Driver Verifier counted {} of {} in {pool} pool, {}.",
                counted(one.outstanding, "allocation", "allocations"),
                driver.name,
                Bytes(one.bytes)
            )
        })
        .collect()
}
