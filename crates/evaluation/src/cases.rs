//! Real cases, read as a person would drop them in.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use jiff::Timestamp;
use poolwatch_analysis::{CaseFile, confidence::NAMED};
use poolwatch_detection::texts::{TextCase, diagnose_texts};
use poolwatch_evidence::{combine, read};
use poolwatch_model::{
    Pool, Snapshot,
    diagnosis::{Diagnosis, SuspectKind, Verdict},
};
use serde::Deserialize;

/// A case with its truth.
#[derive(Debug, Deserialize)]
struct Case {
    id: String,
    evidence: Vec<Text>,
    truth: Truth,
}

#[derive(Debug, Deserialize)]
struct Text {
    kind: String,
    text: String,
}

#[derive(Debug, Deserialize)]
struct Truth {
    tag: Option<String>,
    pool: Option<Pool>,
    kind: String,
    culprit: String,
}

/// How a case was judged.
#[derive(Debug)]
pub struct Outcome {
    /// Its name.
    pub id: String,
    /// The judgement.
    pub diagnosis: Diagnosis,
    /// What is wrong with the judgement; empty when it is right.
    pub wrong: Vec<String>,
    /// Whether the culprit is told in the evidence at all, and whether it was named.
    pub culprit: Culprit,
}

/// What became of the culprit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Culprit {
    /// Named.
    Named,
    /// Told in the evidence and not named.
    Missed,
    /// Not told in the evidence.
    NotTold,
}

/// Judges all cases of a folder. `None` when there is no such folder.
///
/// # Errors
/// When a case cannot be read.
pub fn judge_all(folder: &Path) -> Result<Option<Vec<Outcome>>> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(None) };
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    let outcomes: Result<Vec<Outcome>> = paths
        .iter()
        .map(|path| {
            let text = fs::read_to_string(path)?;
            let case: Case = serde_json::from_str(&text)
                .with_context(|| format!("reading {}", path.display()))?;
            Ok(outcome(case))
        })
        .collect();
    outcomes.map(Some)
}

fn outcome(case: Case) -> Outcome {
    let readings = case.evidence.iter().map(|text| read(&text.kind, text.text.as_bytes()));
    let combined = combine(readings);
    let pictures: Vec<(Option<u64>, &Snapshot)> =
        combined.snapshots.iter().map(|moment| (moment.at_s, &moment.snapshot)).collect();
    let now = combined.events.iter().map(|event| event.time).max();
    let mut file = CaseFile::from_pictures(
        now.unwrap_or(Timestamp::UNIX_EPOCH),
        None,
        &pictures,
        &combined.events,
    );
    let told = combined.undated_events.iter();
    file.exhaustions = told.filter_map(|event| event.exhaustion.as_deref().cloned()).collect();
    let last = combined.snapshots.last();
    let states = TextCase {
        states: &file,
        processes: last.and_then(|moment| moment.snapshot.processes.as_deref()),
        is_torn: combined.is_torn(),
    };
    let diagnosis = diagnose_texts(states, |_| Vec::new());
    let told = |name: &str| case.evidence.iter().any(|text| text.text.contains(name));
    let names: Vec<&str> = names(&case.truth.culprit).filter(|name| told(name)).collect();
    let accused: Vec<&str> = diagnosis
        .suspects
        .iter()
        .filter(|suspect| suspect.confidence >= NAMED)
        .filter(|suspect| matches!(suspect.kind, SuspectKind::Process | SuspectKind::Driver))
        .filter_map(|suspect| suspect.name.as_deref())
        .collect();
    let culprit = match () {
        () if names.is_empty() => Culprit::NotTold,
        () if names.iter().all(|name| accused.contains(name)) => Culprit::Named,
        () => Culprit::Missed,
    };
    let mut wrong = wrong(&case.truth, &diagnosis);
    wrong.extend(
        accused
            .iter()
            .filter(|name| {
                !case.truth.culprit.contains(**name)
                    || case.truth.culprit.contains(&format!("not {name}"))
            })
            .map(|name| format!("accuses {name}")),
    );
    Outcome { id: case.id, diagnosis, wrong, culprit }
}

/// Names of programs and drivers in a sentence.
fn names(sentence: &str) -> impl Iterator<Item = &str> {
    let is_name = |word: &&str| word.ends_with(".exe") || word.ends_with(".sys");
    sentence.split([' ', ',', '(', ')']).filter(is_name)
}

/// The verdict, pool and tag against the truth. Controls and commit have no tag; the rest leaked or
/// was exhausted.
fn wrong(truth: &Truth, diagnosis: &Diagnosis) -> Vec<String> {
    let mut wrong = Vec::new();
    let right = match (truth.kind.as_str(), &truth.tag, truth.pool) {
        ("component", None, _) => diagnosis.verdict == Verdict::NoLeakShown,
        (_, None, _) => diagnosis.verdict == Verdict::CommitExhaustion,
        _ => matches!(diagnosis.verdict, Verdict::Leak | Verdict::Exhausted),
    };
    if !right {
        wrong.push(format!("verdict {}", diagnosis.verdict.as_str()));
    }
    let named: Vec<String> = diagnosis
        .suspects
        .iter()
        .flat_map(|suspect| &suspect.tags)
        .chain(diagnosis.tags.iter().map(|tag| &tag.tag).take(usize::from(right)))
        .map(ToString::to_string)
        .collect();
    match &truth.tag {
        Some(tag) if !named.contains(tag) => wrong.push(format!("tags {named:?}, not {tag}")),
        None if !diagnosis.suspects.iter().all(|suspect| suspect.tags.is_empty()) => {
            wrong.push(format!("blames {named:?}"));
        }
        _ => {}
    }
    if truth.tag.is_some() && diagnosis.pool != truth.pool {
        wrong.push(format!("pool {:?}", diagnosis.pool));
    }
    wrong
}
