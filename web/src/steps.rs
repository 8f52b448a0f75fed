//! What to do next.

use crate::links;

/// The four ways to the culprit, easiest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Look for the process with the most handles.
    HandleCount,
    /// Look for the tag that grows, and for its owner.
    PoolTag,
    /// Let Driver Verifier count each driver's allocations.
    DriverVerifier,
    /// Look with a kernel debugger, live or in a dump.
    Debugger,
}

impl Method {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HandleCount => "handle count",
            Self::PoolTag => "pool tag",
            Self::DriverVerifier => "Driver Verifier",
            Self::Debugger => "debugger",
        }
    }
}

/// One thing to do, with the commands to copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextStep {
    /// Which of the four ways it belongs to; none for remedies (`Restart service BadApp`).
    pub method: Option<Method>,
    /// What to do, in a few words.
    pub title: String,
    /// Why, or what to look for.
    pub detail: String,
    /// Exact commands for this host, one per line, to run in this order.
    pub commands: Vec<String>,
    /// What it costs or risks.
    pub caution: Option<String>,
    /// A file that the commands need, to download.
    pub file: Option<StepFile>,
}

/// A file that a step needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepFile {
    /// Its name (`poolwatch.wprp`).
    pub name: &'static str,
    /// What it holds.
    pub content: String,
}

impl StepFile {
    /// An address that holds it whole.
    #[must_use]
    pub fn url(&self) -> String {
        links::text_file(&self.content)
    }
}

impl NextStep {
    /// The commands as one text to copy.
    #[must_use]
    pub fn script(&self) -> String {
        self.commands.join("\n")
    }
}

/// What to do next: what the suspect asks for, then ways to look that fit any trouble.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Steps {
    /// Remedies for the suspect that is named, first things first.
    pub first: Vec<NextStep>,
    /// Ways to look, folded where there is a remedy.
    pub general: Vec<NextStep>,
}

impl Steps {
    /// All of them, in their order.
    pub fn all(&self) -> impl Iterator<Item = &NextStep> {
        self.first.iter().chain(&self.general)
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first.is_empty() && self.general.is_empty()
    }

    /// The number of the first general step, less one.
    pub(crate) fn before_general(&self) -> usize {
        self.first.len()
    }
}
