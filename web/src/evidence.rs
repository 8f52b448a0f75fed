//! Evidence from hosts without an agent: the upload (`GET /evidence`, `POST /evidence/import` as
//! multipart with `host` and one or several `files`) and what was recognised.

use askama::Template;
use jiff::Timestamp;
use poolwatch_model::{Bytes, diagnosis::Diagnosis};

use crate::{HostLink, Shell, assets, figures, words};

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

/// The form, with what was imported lately.
#[derive(Debug, Clone, Template)]
#[template(path = "evidence.html")]
pub struct EvidencePage {
    /// What surrounds the page.
    pub shell: Shell,
    /// What was typed as host name.
    pub host: String,
    /// Why the last import failed as a whole (`No file was chosen`).
    pub error: Option<String>,
    /// Largest upload that is taken.
    pub limit: Bytes,
    /// What was imported lately, latest first.
    pub recent: Vec<(HostLink, ImportedFile)>,
}

/// What an import found.
#[derive(Debug, Clone, Template)]
#[template(path = "evidence_result.html")]
pub struct EvidenceResultPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// The host that the files were kept for.
    pub host: HostLink,
    /// The files, in the order in which they were sent.
    pub files: Vec<ImportedFile>,
    /// The judgement on the host with what they told.
    pub diagnosis: Option<Diagnosis>,
}

impl EvidenceResultPage {
    fn headline(&self) -> String {
        let recognised = self.files.iter().filter(|file| file.kind.is_some()).count();
        match (recognised, self.files.len()) {
            (0, _) => "Nothing in these files was recognised.".to_owned(),
            (some, all) if some == all => {
                format!(
                    "{} kept for {}.",
                    figures::counted(all as u64, "file", "files"),
                    self.host.name
                )
            }
            (some, all) => {
                format!("{some} of {all} files recognised and kept for {}.", self.host.name)
            }
        }
    }
}
