//! Texts of a machine without an agent: the form (`GET /evidence`; `POST /evidence/diagnose` as
//! multipart with `files` and `text`) and the diagnosis (`GET /evidence/{id}`).

use askama::Template;
use jiff::Timestamp;
use poolwatch_model::{
    Bytes, Pool, PoolTag,
    diagnosis::{self, Diagnosis, Evidence},
};

use crate::{HostLink, Shell, assets, figures, links, steps::NextStep, words};

/// A file that was imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedFile {
    /// Its name, as it was sent.
    pub name: String,
    /// What it was recognised as (`poolmon capture`); none when as nothing.
    pub kind: Option<String>,
    /// Its size.
    pub size: Bytes,
    /// Lines that told something.
    pub used: u64,
    /// Lines that were ignored.
    pub ignored: u64,
    /// The first of the ignored lines.
    pub ignored_lines: Vec<IgnoredLine>,
    /// When it was imported.
    pub imported: Timestamp,
}

/// A line that told nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoredLine {
    /// Its number, counted from 1.
    pub number: u64,
    /// Its text, cut to some length.
    pub text: String,
    /// Why it was ignored.
    pub reason: String,
}

/// A diagnosis of texts in a table.
#[derive(Debug, Clone, PartialEq)]
pub struct RecentDiagnosis {
    /// Its number.
    pub id: String,
    /// When the texts were brought.
    pub at: Timestamp,
    /// Who brought them.
    pub by: String,
    /// How many there are.
    pub files: u64,
    /// Names of the first of them.
    pub names: String,
    /// The host that they were kept for.
    pub kept_for: Option<HostLink>,
    /// Whether anything was understood.
    pub understood: bool,
    /// The judgement.
    pub diagnosis: Diagnosis,
}

/// The form, with what was brought lately.
#[derive(Debug, Clone, Template)]
#[template(path = "evidence.html")]
pub struct EvidencePage {
    /// What surrounds the page.
    pub shell: Shell,
    /// Whether this person may bring texts.
    pub may_bring: bool,
    /// Why the last upload failed as a whole (`No file was chosen`).
    pub error: Option<String>,
    /// Largest upload that is taken.
    pub limit: Bytes,
    /// Diagnoses of late, latest first.
    pub diagnosed: Vec<RecentDiagnosis>,
    /// Texts that were kept for a host of late, latest first.
    pub kept: Vec<(HostLink, ImportedFile)>,
}

/// A tag that a diagnosis is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagFound {
    /// The tag.
    pub tag: PoolTag,
    /// Which pool.
    pub pool: Pool,
    /// Bytes outstanding, where they are told.
    pub bytes: Option<Bytes>,
    /// Allocations minus frees.
    pub outstanding: u64,
    /// What it counts, if anybody says.
    pub meaning: Option<String>,
    /// Who may own it.
    pub owners: String,
}

/// The diagnosis of texts.
#[derive(Debug, Clone, Template)]
#[template(path = "evidence_diagnosis.html")]
pub struct DiagnosisPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// Its number.
    pub id: String,
    /// When the texts were brought.
    pub at: Timestamp,
    /// Who brought them.
    pub by: String,
    /// Whether anything was understood.
    pub understood: bool,
    /// The judgement.
    pub diagnosis: Diagnosis,
    /// Where the numbers of its facts stand (`pool.txt:14`), of those that have some of their own.
    pub places: Vec<(Evidence, Vec<String>)>,
    /// What was observed beside it, in sentences.
    pub remarks: Vec<String>,
    /// What to do next.
    pub steps: Vec<NextStep>,
    /// The tags it is about.
    pub tags: Vec<TagFound>,
    /// The texts, in the order in which they were sent.
    pub files: Vec<ImportedFile>,
    /// The host that they were kept for.
    pub kept_for: Option<HostLink>,
    /// Whether this person may keep them.
    pub may_keep: bool,
    /// What stands in the field for the host's name.
    pub host: String,
    /// Why they were not kept.
    pub error: Option<String>,
}

impl RecentDiagnosis {
    fn title(&self) -> String {
        if self.understood {
            words::title(&self.diagnosis)
        } else {
            "Nothing was understood".to_owned()
        }
    }
}

impl DiagnosisPage {
    /// Where the numbers of a fact stand: `pool.txt:14, handles.txt:3`.
    fn places(&self, fact: &Evidence) -> Option<String> {
        let (_, places) = self.places.iter().find(|(known, _)| known == fact)?;
        Some(places.join(", "))
    }

    fn headline(&self) -> String {
        if self.understood {
            words::headline(&self.diagnosis)
        } else if self.files.len() == 1 {
            "Nothing in this file was understood.".to_owned()
        } else {
            "Nothing in these files was understood.".to_owned()
        }
    }

    /// Whether growth cannot be seen in what was sent, and the headline does not say so.
    fn lacks_growth(&self) -> bool {
        let steps = &self.diagnosis.next_steps;
        steps.iter().any(|step| matches!(step, diagnosis::NextStep::MeasureAgain { .. }))
            && !self.headline().contains("cannot show growth")
    }

    fn short_title(&self) -> String {
        if self.understood { words::title(&self.diagnosis) } else { self.headline() }
    }
}
