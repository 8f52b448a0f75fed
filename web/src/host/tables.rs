//! The tables of tags and processes of a host.

use poolwatch_model::{
    Bytes, HostId, Pool, PoolTag,
    process::{ProcessActivity, ProcessUse},
};
use serde::{Deserialize, Serialize};

use crate::{figures::grouped, sparkline::Sparkline};

/// Types of a process's handles that are shown.
const TYPES: usize = 4;

/// What tags are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TagOrder {
    /// Bytes outstanding.
    #[default]
    Bytes,
    /// Change of bytes in 24 h.
    Change,
    /// Allocations minus frees.
    Outstanding,
    /// As poolmon shows them: its columns, by bytes.
    Poolmon,
}

impl TagOrder {
    /// All, in the order in which they are offered.
    pub const ALL: [Self; 4] = [Self::Change, Self::Bytes, Self::Outstanding, Self::Poolmon];

    /// Its value in an address.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Change => "change",
            Self::Outstanding => "outstanding",
            Self::Poolmon => "poolmon",
        }
    }

    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Bytes => "by bytes",
            Self::Change => "by change",
            Self::Outstanding => "by outstanding",
            Self::Poolmon => "poolmon view",
        }
    }
}

/// What processes are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProcessOrder {
    /// Open handles.
    #[default]
    Handles,
    /// Change of the handles in 24 h, of those with the most handles.
    Growth,
    /// Pool charged to the process's quota.
    Quota,
}

impl ProcessOrder {
    /// All, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::Handles, Self::Growth, Self::Quota];

    /// Its value in an address.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Handles => "handles",
            Self::Growth => "growth",
            Self::Quota => "quota",
        }
    }

    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Handles => "by handles",
            Self::Growth => "by growth",
            Self::Quota => "by quota",
        }
    }
}

/// What a tag stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagMeaning {
    /// In words (`thread objects`).
    pub text: String,
    /// Whose it is (`nt`, `afd.sys`), where that is known.
    pub owner: Option<String>,
}

/// One tag's use of one pool.
#[derive(Debug, Clone, PartialEq)]
pub struct TagRow {
    /// The host.
    pub host: HostId,
    /// The tag.
    pub tag: PoolTag,
    /// Which pool.
    pub pool: Pool,
    /// Bytes outstanding.
    pub bytes: Bytes,
    /// Allocations minus frees.
    pub outstanding: u64,
    /// Allocations and frees since the host started, where they are counted.
    pub counted: Option<(u64, u64)>,
    /// Change of the bytes in 24 h.
    pub change: Option<i64>,
    /// How the bytes went.
    pub trend: Sparkline,
    /// What it stands for.
    pub meaning: Option<TagMeaning>,
    /// Whether a suspect is accused by it.
    pub suspect: bool,
    /// Whether the address asks for it.
    pub marked: bool,
}

impl TagRow {
    pub(super) fn class(&self) -> &'static str {
        class(self.suspect, self.marked)
    }

    /// Mean size of an allocation.
    pub(super) fn average(&self) -> Option<u64> {
        self.bytes.0.checked_div(self.outstanding)
    }
}

const fn class(suspect: bool, marked: bool) -> &'static str {
    match (suspect, marked) {
        (true, _) => "suspect",
        (false, true) => "marked",
        (false, false) => "",
    }
}

/// The tags of a host, the first of them.
#[derive(Debug, Clone, PartialEq)]
pub struct TagTableView {
    /// All tags, a count.
    pub total: u64,
    /// The first by [`TagOrder`], some twenty.
    pub rows: Vec<TagRow>,
    /// Pool in use that no tag explains, nonpaged and paged.
    pub unexplained: [Option<Bytes>; 2],
}

/// One process.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcessRow {
    /// The host.
    pub host: HostId,
    /// The process.
    pub process: ProcessUse,
    /// Change of its handles in 24 h.
    pub change: Option<i64>,
    /// Its handles by type where its agent looked into it, the most first.
    pub by_type: Vec<(String, u32)>,
    /// What it did since the snapshot before, where it was among the most active.
    pub activity: Option<ProcessActivity>,
    /// How its handles went.
    pub trend: Sparkline,
    /// Whether it is a suspect.
    pub suspect: bool,
    /// Whether the address asks for it.
    pub marked: bool,
}

/// The processes of a host.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcessTable {
    /// All processes, a count.
    pub total: u64,
    /// The first by [`ProcessOrder`], some fifteen.
    pub rows: Vec<ProcessRow>,
}

impl ProcessRow {
    pub(super) fn class(&self) -> &'static str {
        class(self.suspect, self.marked)
    }

    pub(super) fn handles(&self) -> Option<u64> {
        self.process.handles.map(u64::from)
    }

    /// The types that most of its handles lead to, in words.
    pub(super) fn types(&self) -> String {
        let types = self.by_type.iter().take(TYPES);
        let types: Vec<String> =
            types.map(|(name, count)| format!("{name} {}", grouped(u64::from(*count)))).collect();
        types.join(", ")
    }

    pub(super) fn operations(&self) -> Option<u64> {
        let ProcessActivity { reads, writes, others, .. } = self.activity.as_ref()?;
        Some(reads.saturating_add(*writes).saturating_add(*others))
    }

    /// The operations by kind, in words.
    pub(super) fn operations_by_kind(&self) -> String {
        self.activity.map_or_else(String::new, |one| {
            let [reads, writes, others] = [one.reads, one.writes, one.others].map(grouped);
            format!("{reads} reads, {writes} writes, {others} others")
        })
    }

    pub(super) fn threads(&self) -> Option<u64> {
        self.process.threads.map(u64::from)
    }

    pub(super) fn services(&self) -> String {
        self.process.services.join(", ")
    }
}
