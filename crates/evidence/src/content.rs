//! What a text told: its pieces, and the lines that were ignored.

use std::fmt;

use poolwatch_model::Snapshot;
use poolwatch_model::event::Event;
use poolwatch_model::host::Arch;
use poolwatch_model::memory::Memory;
use poolwatch_model::process::ProcessUse;
use poolwatch_model::tag::{TagPattern, TagTable};

use crate::source::{self, Fact, Numbers};
use crate::statements::{
    EndedProcesses, GrowthTable, HandleSummary, ToldTag, UndatedEvent, UnplacedTag, VerifiedDriver,
};

/// What a text told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Name of the text, as it was given.
    pub name: String,
    /// What was understood, in order.
    pub pieces: Vec<EvidencePiece>,
    /// What was not, in order. Beyond a bound the last entry tells how many more.
    pub ignored: Vec<UnreadLine>,
    /// The machines that it names as those that it comes from, in small letters, without domain.
    pub hosts: Vec<String>,
}

/// One output of a tool, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidencePiece {
    /// What printed it.
    pub kind: PieceKind,
    /// Its first and last line, from 1.
    pub lines: (u32, u32),
    /// Seconds since a moment that the pieces of its text share (boot, midnight), where a table
    /// tells times. Only differences mean something.
    pub at_s: Option<u64>,
    /// The circumstance, where a table tells that in place of a time (`after the driver update`).
    pub remark: Option<String>,
    /// Whether lines among its own were cut off or contradicted themselves: what it lacks may be
    /// what matters.
    pub is_torn: bool,
    /// The lines of its facts. A fact that is not among them is on the first line.
    pub sources: Vec<(Fact, u32)>,
    /// What it tells.
    pub content: PieceContent,
}

impl EvidencePiece {
    /// A piece of which neither moment nor sources are known.
    pub(crate) fn new(kind: PieceKind, lines: (u32, u32), content: PieceContent) -> Self {
        let (at_s, remark, is_torn, sources) = (None, None, false, Vec::new());
        Self { kind, lines, at_s, remark, is_torn, sources, content }
    }

    /// The line that a fact is on.
    pub(crate) fn line(&self, fact: &Fact) -> u32 {
        let known = self.sources.binary_search_by(|(known, _)| known.cmp(fact));
        known.map_or(self.lines.0, |at| self.sources[at].1)
    }
}

/// What printed a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PieceKind {
    /// `poolmon`, its screen or its `-n` file.
    Poolmon,
    /// `!poolused` of a debugger.
    PoolUsed,
    /// `!vm` of a debugger.
    Vm,
    /// `!process 0 0` of a debugger.
    ProcessList,
    /// A table of processes with their handles (`Get-Process`, `wmic process`).
    HandleTable,
    /// Handles by type (`!handle` of a user-mode debugger, Handle of Sysinternals).
    HandleTypes,
    /// Driver Verifier, or `!verifier` of a debugger.
    Verifier,
    /// `pooltag.txt`.
    Pooltag,
    /// An event, in XML or in words.
    Event,
    /// A table made by a person, in Markdown or with other signs between its cells.
    Table,
    /// A sentence by a person.
    Sentence,
    /// What the agent itself measured.
    Agent,
}

impl fmt::Display for PieceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Poolmon => "poolmon",
            Self::PoolUsed => "!poolused",
            Self::Vm => "!vm",
            Self::ProcessList => "!process",
            Self::HandleTable => "process table",
            Self::HandleTypes => "handles by type",
            Self::Verifier => "Driver Verifier",
            Self::Pooltag => "pooltag.txt",
            Self::Event => "event",
            Self::Table => "table",
            Self::Sentence => "sentence",
            Self::Agent => "agent",
        })
    }
}

/// What a piece tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PieceContent {
    /// All of a machine at a moment, as the agent measured it.
    Snapshot(Box<Snapshot>),
    /// System-wide figures.
    Memory(Box<Memory>),
    /// Pool tags. People often tell counts alone: then the bytes are 0 and mean nothing.
    Tags(TagTable),
    /// Processes. A table that tells no ids gives them the id 0. A process whose image was cut off
    /// is called as debuggers call it (`PROCESS 88b75020 (Cid 172e4)`).
    Processes(Vec<ProcessUse>),
    /// What tags mean.
    Catalogue(Vec<PooltagEntry>),
    /// An event.
    Event(Box<Event>),
    /// An event whose time is lost, or told by the host's own clock alone.
    UndatedEvent(UndatedEvent),
    /// How much tags grew.
    Growth(GrowthTable),
    /// Handles by type.
    Handles(HandleSummary),
    /// What Driver Verifier counted.
    Drivers(Vec<VerifiedDriver>),
    /// Processes that have ended and are still there.
    Ended(EndedProcesses),
    /// Tags of which the text does not tell the pool.
    Unplaced(Vec<UnplacedTag>),
    /// What sentences say of a tag or a pool.
    Told(ToldTag),
    /// The architecture of the machine, as its addresses show it.
    Arch(Arch),
}

/// What a tag, or a group of tags, means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PooltagEntry {
    /// The tags.
    pub pattern: TagPattern,
    /// The binary that allocates with it, as the text names it (`afd.sys`, `nt!ps`).
    pub owner: Option<String>,
    /// What it is for.
    pub description: String,
}

/// A line that was not understood, or not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadLine {
    /// Its number, from 1.
    pub line: u32,
    /// Its beginning.
    pub text: String,
    /// Why.
    pub reason: IgnoredReason,
}

/// Why a line was ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IgnoredReason {
    /// No known format.
    NotUnderstood,
    /// The command whose output follows.
    Command,
    /// The time at which what follows was measured.
    Stamp,
    /// The name of a pool, taken for the table that follows.
    Heading,
    /// A binary event log, or a record of one, that is damaged.
    DamagedLog,
    /// A binary event log that tells nothing of pools.
    NoEventOfPools,
    /// A packed archive.
    Archive,
    /// XML around events.
    Markup,
    /// The line or its table is cut off.
    CutOff,
    /// Its numbers contradict each other.
    Contradiction,
    /// Its tag has not one to four characters.
    BadTag,
    /// More pool in use than the host has memory, or than the pool's limit.
    UseAboveMemory,
    /// A limit that no host reaches.
    AbsurdLimit,
    /// It does not tell which pool it is about.
    UnknownPool,
    /// It tells differences, not states.
    Difference,
    /// A row whose moment is not told, among rows with moments.
    UnknownMoment,
    /// A table whose columns mean nothing known.
    UnknownColumns,
    /// It does not tell which process it is about.
    UnknownProcess,
    /// It is about a session's pool, not the system's.
    SessionPool,
    /// There is more than is read.
    TooMany,
    /// So many more lines were ignored.
    More(u32),
}

impl IgnoredReason {
    /// Whether lines that make no table for it may be sentences.
    pub(crate) const fn may_be_prose(self) -> bool {
        matches!(self, Self::NotUnderstood | Self::UnknownColumns | Self::Heading)
    }

    /// Whether a line that was ignored for it leaves a hole in its table.
    pub(crate) const fn leaves_hole(self) -> bool {
        matches!(self, Self::CutOff | Self::Contradiction | Self::TooMany)
    }
}

impl fmt::Display for IgnoredReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotUnderstood => "not understood",
            Self::Command => "a command, not its output",
            Self::Stamp => "a time, taken for what follows",
            Self::Heading => "a heading, taken for what follows",
            Self::DamagedLog => {
                "damaged in the event log; try to export it: wevtutil qe FILE /lf:true /f:xml > events.xml"
            }
            Self::NoEventOfPools => {
                "an event log without events of pools or commit; the System log has them"
            }
            Self::Archive => "an archive; unpack it first",
            Self::Markup => "XML around events",
            Self::CutOff => "cut off",
            Self::Contradiction => "its numbers contradict each other",
            Self::BadTag => "not a pool tag",
            Self::UseAboveMemory => "more in use than there can be",
            Self::AbsurdLimit => "a limit that no host reaches",
            Self::UnknownPool => "does not tell which pool it is about",
            Self::Difference => "tells differences, not states",
            Self::UnknownMoment => "does not tell its moment",
            Self::UnknownColumns => "a table whose columns are not known",
            Self::UnknownProcess => "does not tell which process it is about",
            Self::SessionPool => "about a session's pool",
            Self::TooMany => "more than is read",
            Self::More(count) => return write!(f, "{count} more lines were ignored"),
        })
    }
}

/// The facts of a piece that is part of a snapshot, with their numbers.
pub(crate) fn facts_of_piece(content: &PieceContent) -> Vec<(Fact, Numbers)> {
    let mut snapshot = Snapshot::default();
    match content {
        PieceContent::Memory(memory) => snapshot.memory = (**memory).clone(),
        PieceContent::Tags(table) => snapshot.tags = Some(table.clone()),
        PieceContent::Processes(list) => snapshot.processes = Some(list.clone()),
        _ => return Vec::new(),
    }
    source::facts(&snapshot)
}
