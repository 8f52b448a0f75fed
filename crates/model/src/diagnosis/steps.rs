//! What to do next, typed: put into words and commands where it is shown.

use serde::{Deserialize, Serialize};

use crate::{Bytes, Pool, PoolTag};

/// What must come back when a suspect ends: the proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Return {
    /// The tag that must fall.
    pub tag: PoolTag,
    /// In which pool.
    pub pool: Pool,
    /// By about this many bytes.
    pub bytes: Bytes,
    /// By about this many objects.
    pub objects: u64,
}

/// How a dump of a hanging host is had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dump {
    /// The keyboard's CrashOnCtrlScroll, set and restarted beforehand.
    Keyboard,
    /// A non-maskable interrupt that the hypervisor sends.
    Hypervisor,
    /// Not known which of them the host has.
    Either,
}

/// What a program does that must not simply be ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProgramRole {
    /// No program at all: memory or structures of the kernel under a name.
    NotAProgram,
    /// Windows holds objects for others in it, and stops without it.
    Broker,
    /// A virtual machine, or what runs them.
    VirtualMachine,
    /// A node of a cluster.
    Cluster,
    /// A database.
    Database,
    /// A store of mail.
    MailStore,
    /// Protection against malware, or of secrets.
    Security,
    /// A service of a domain controller.
    DomainController,
    /// The session of those who work on the host.
    Session,
    /// A host of services, often of several.
    ServiceHost,
}

/// What a debugger would print that is known already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KnownOutput {
    /// How much of both pools is in use (`!vm`).
    Totals,
    /// The tags (`!poolused`).
    Tags,
    /// The processes with their handles (`!process 0 0`).
    Processes,
}

/// One thing to do. The four methods are those of the expert: handle counts, pool tags, Driver
/// Verifier, the debugger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum NextStep {
    /// Restart the service in the suspected process.
    RestartService {
        /// Image name.
        image: String,
        /// Its process, where one runs.
        pid: Option<u32>,
        /// Services that live in it; one of several is to be found by trying.
        services: Vec<String>,
        /// What must then come back.
        returns: Option<Return>,
    },
    /// End the suspected program.
    EndProgram {
        /// Image name.
        image: String,
        /// Its process, where one runs.
        pid: Option<u32>,
        /// What must then come back.
        returns: Option<Return>,
    },
    /// The holder only works for others, or must not be stopped: find who calls it.
    FindCaller {
        /// Image name.
        image: String,
        /// Its process, where one runs.
        pid: Option<u32>,
        /// The objects that it holds.
        #[serde(default)]
        tag: Option<PoolTag>,
    },
    /// The suspect may be stopped in its own way alone.
    StopWithCare {
        /// Image name.
        image: String,
        /// What it does.
        role: ProgramRole,
        /// What must then come back.
        returns: Option<Return>,
    },
    /// Stop the program whose work makes something leak, and see growth stop. Nothing comes back.
    StopTrigger {
        /// Image name.
        image: String,
        /// The tag that must grow no more.
        tag: PoolTag,
        /// What it does, where that asks for care.
        #[serde(default)]
        role: Option<ProgramRole>,
    },
    /// Read how much of both pools is in use.
    ReadTotals,
    /// List the tags, all of them: what is known does not explain the pool.
    ListTags {
        /// The pool in question.
        pool: Option<Pool>,
    },
    /// See which filters and programs keep files open, whose structures fill the pool.
    ListFilters {
        /// The tag in question.
        tag: PoolTag,
    },
    /// Count the handles of a process by type.
    CountHandles {
        /// Image name.
        image: String,
        /// Its process, where one runs.
        pid: Option<u32>,
        /// Handles it held.
        handles: Option<u32>,
    },
    /// Look for a process with very many handles.
    ListHandles,
    /// Look for the process with the most private memory: commit ran out, not pool.
    ListCommit,
    /// Take the tags again later: one picture shows no growth.
    MeasureAgain {
        /// The pool in question.
        pool: Option<Pool>,
    },
    /// Watch a tag.
    WatchTag {
        /// The tag; the largest that grows when none is known.
        tag: Option<PoolTag>,
        /// The pool in question.
        pool: Option<Pool>,
    },
    /// Record who allocates a tag, for so long that about 30 leaked allocations are in it.
    TraceTag {
        /// The tag.
        tag: PoolTag,
        /// How long, seconds.
        seconds: u64,
    },
    /// Turn pool tags on, which Windows before 2003 counts only then.
    EnableTagging,
    /// Look for the tag in the drivers' files.
    FindDriver {
        /// The tag.
        tag: PoolTag,
    },
    /// Bring a driver or program to a version in which a known leak is mended.
    Update {
        /// Driver or program.
        name: String,
        /// What to do, from the catalogue of known leaks.
        remedy: String,
        /// Where that can be read.
        reference: String,
    },
    /// Replace a suspected driver by another version.
    ReplaceDriver {
        /// Its file name.
        driver: String,
        /// The version that runs.
        version: Option<String>,
    },
    /// Let Driver Verifier count the candidates' allocations.
    VerifyDrivers {
        /// File names, the likeliest first; none known when empty.
        drivers: Vec<String>,
    },
    /// Take a dump when the host hangs.
    TakeDump {
        /// How.
        how: Dump,
    },
    /// Ask a live kernel or a dump.
    AskDebugger {
        /// The pool in question.
        pool: Option<Pool>,
        /// The tag in question.
        tag: Option<PoolTag>,
        /// The kernel object type that the tag counts.
        object_type: Option<String>,
        /// The process in question.
        image: Option<String>,
        /// What is known already, and is not asked for again.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        known: Vec<KnownOutput>,
    },
    /// Raise the limit of a pool of 32-bit Windows: it gains time and cures nothing.
    RaiseLimit {
        /// Which pool.
        pool: Pool,
    },
}

impl NextStep {
    /// Which of the four methods it belongs to.
    #[must_use]
    pub const fn method(&self) -> u8 {
        match self {
            Self::RestartService { .. }
            | Self::EndProgram { .. }
            | Self::FindCaller { .. }
            | Self::StopWithCare { .. }
            | Self::StopTrigger { .. }
            | Self::CountHandles { .. }
            | Self::ListHandles
            | Self::ListCommit => 1,
            Self::ReadTotals
            | Self::ListTags { .. }
            | Self::ListFilters { .. }
            | Self::MeasureAgain { .. }
            | Self::WatchTag { .. }
            | Self::TraceTag { .. }
            | Self::EnableTagging
            | Self::FindDriver { .. }
            | Self::Update { .. }
            | Self::ReplaceDriver { .. } => 2,
            Self::VerifyDrivers { .. } => 3,
            Self::TakeDump { .. } | Self::AskDebugger { .. } | Self::RaiseLimit { .. } => 4,
        }
    }
}
