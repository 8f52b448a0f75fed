//! The judgement as JSON, for scripts. Its shape is kept.

use poolwatch_model::{
    PoolTag,
    diagnosis::{Diagnosis, Evidence, Suspect, SuspectKind, Verdict},
};
use serde::Serialize;

use super::Judged;

/// The whole report.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The judgement in one word.
    pub verdict: Verdict,
    /// `paged`, `nonpaged`, `both` or null.
    pub pool: Option<&'static str>,
    /// Who may be behind it, most likely first.
    pub suspects: Vec<ReportedSuspect>,
    /// The tags it is about, the most telling first.
    pub tags: Vec<ReportedTag>,
    /// What to do, in this order.
    pub next_steps: Vec<ReportedStep>,
    /// Lines that tell nothing.
    pub ignored: Vec<ReportedIgnored>,
}

/// A suspect.
#[derive(Debug, Serialize)]
pub struct ReportedSuspect {
    /// What kind of thing.
    pub kind: SuspectKind,
    /// Its name, where one is known.
    pub name: Option<String>,
    /// The tags it is suspected for.
    pub tags: Vec<PoolTag>,
    /// How sure, 0 to 1.
    pub confidence: f64,
    /// Why, in sentences.
    pub because: Vec<String>,
    /// The same as facts.
    pub evidence: Vec<Evidence>,
    /// Where the numbers of each of these facts stand (`pool.txt:14`).
    pub sources: Vec<Vec<String>>,
}

/// A tag.
#[derive(Debug, Serialize)]
pub struct ReportedTag {
    /// The tag.
    pub tag: PoolTag,
    /// `paged` or `nonpaged`.
    pub pool: &'static str,
    /// Bytes outstanding; 0 where only counts are told.
    pub bytes: u64,
    /// Allocations minus frees.
    pub outstanding: u64,
    /// What it counts, if anybody says.
    pub meaning: Option<String>,
    /// Who may own it.
    pub owner_candidates: Vec<String>,
}

/// A step.
#[derive(Debug, Serialize)]
pub struct ReportedStep {
    /// Handle count (1), pool tag (2), Driver Verifier (3) or debugger (4).
    pub method: u8,
    /// What to do and why.
    pub text: String,
    /// The commands, one per line; null when there is nothing to run.
    pub command: Option<String>,
}

/// A line that tells nothing.
#[derive(Debug, Serialize)]
pub struct ReportedIgnored {
    /// Its file.
    pub file: String,
    /// Its number, from 1.
    pub line: u32,
    /// Why.
    pub reason: String,
}

impl Report {
    /// The report of a judgement.
    #[must_use]
    pub fn new(judged: &Judged) -> Self {
        let diagnosis = &judged.diagnosis;
        Self {
            verdict: diagnosis.verdict,
            pool: match diagnosis.pool {
                Some(_) if diagnosis.both => Some("both"),
                pool => pool.map(poolwatch_model::Pool::as_str),
            },
            suspects: diagnosis.suspects.iter().map(|one| suspect(one, judged)).collect(),
            tags: tags(diagnosis, judged),
            next_steps: judged
                .next_steps()
                .map(|(method, step)| {
                    let caution =
                        step.caution.as_deref().map_or(String::new(), |c| format!(" {c}"));
                    let command = (!step.commands.is_empty()).then(|| step.script());
                    let text = format!("{}. {}{caution}", step.title, step.detail);
                    ReportedStep { method, text, command }
                })
                .collect(),
            ignored: judged
                .files
                .iter()
                .flat_map(|file| {
                    file.ignored.iter().map(|ignored| ReportedIgnored {
                        file: file.name.clone(),
                        line: ignored.line,
                        reason: ignored.reason.to_string(),
                    })
                })
                .collect(),
        }
    }
}

fn suspect(suspect: &Suspect, judged: &Judged) -> ReportedSuspect {
    let sentence = |fact: &Evidence| judged.sentence(fact);
    let mut because: Vec<String> = suspect.evidence.iter().map(sentence).collect();
    let of_all = judged.diagnosis.evidence.iter().map(sentence);
    because.extend(of_all.chain(judged.remarks.iter().cloned()));
    let mut seen = Vec::with_capacity(because.len());
    because.retain(|sentence| {
        let is_new = !seen.contains(sentence);
        seen.push(sentence.clone());
        is_new
    });
    let facts = || suspect.evidence.iter().chain(&judged.diagnosis.evidence);
    ReportedSuspect {
        kind: suspect.kind,
        name: suspect.name.clone(),
        tags: suspect.tags.clone(),
        // As many digits as mean something.
        confidence: (f64::from(suspect.confidence) * 100.0).round() / 100.0,
        because,
        evidence: facts().cloned().collect(),
        sources: facts().map(|fact| judged.places(fact).to_vec()).collect(),
    }
}

fn tags(diagnosis: &Diagnosis, judged: &Judged) -> Vec<ReportedTag> {
    diagnosis
        .tags
        .iter()
        .map(|one| ReportedTag {
            tag: one.tag,
            pool: one.pool.as_str(),
            bytes: one.bytes.0,
            outstanding: one.outstanding,
            meaning: judged.catalogue.describe(one.tag).map(|told| told.meaning.to_owned()),
            owner_candidates: judged.catalogue.owner_candidates(one.tag),
        })
        .collect()
}
