//! What texts tell that is no state of a machine at a moment.

use poolwatch_model::event::{EventKind, MemoryExhaustion};
use poolwatch_model::{Bytes, Pool, PoolTag, Snapshot};

/// How much tags grew over some time: people often publish differences alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GrowthTable {
    /// Over how long, seconds; `None` when the text does not tell.
    pub over_s: Option<u64>,
    /// By how much which tag, in the order of the text.
    pub tags: Vec<GrownTag>,
    /// Whether its table was cut off or contradicted itself.
    pub is_torn: bool,
}

/// The growth of one tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrownTag {
    /// The tag.
    pub tag: PoolTag,
    /// Which pool, if that is told or known of everybody.
    pub pool: Option<Pool>,
    /// Allocations more than before.
    pub outstanding: Option<u64>,
    /// Bytes more than before.
    pub bytes: Option<Bytes>,
}

/// What a tag uses of a pool that is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnplacedTag {
    /// The tag.
    pub tag: PoolTag,
    /// Bytes outstanding; 0 where only counts are told.
    pub bytes: Bytes,
    /// Allocations minus frees; 0 where only bytes are told.
    pub outstanding: u64,
}

/// What sentences say of a tag, or of a pool alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ToldTag {
    /// The tag, if one is named.
    pub tag: Option<PoolTag>,
    /// Its pool, if that is told, known of everybody, or what the whole text is about.
    pub pool: Option<Pool>,
    /// Bytes outstanding, if they are told.
    pub bytes: Option<Bytes>,
    /// Allocations minus frees, if they are told.
    pub outstanding: Option<u64>,
    /// Whether it is said to grow or leak.
    pub leaks: bool,
}

/// An event of which not the whole record is known, so that its time is not either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndatedEvent {
    /// What it means.
    pub kind: EventKind,
    /// Its id.
    pub event_id: u32,
    /// What event 2004 tells.
    pub exhaustion: Option<Box<MemoryExhaustion>>,
    /// When, on the host's own clock: seconds since the day from which those of dated pictures
    /// ([`crate::MachineSnapshot::at_s`]) count.
    pub at_s: Option<u64>,
}

impl UndatedEvent {
    /// An event of which only the number is known.
    pub(crate) const fn new(kind: EventKind, event_id: u32) -> Self {
        Self { kind, event_id, exhaustion: None, at_s: None }
    }
}

/// Handles by type, of one process or of all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HandleSummary {
    /// The process, if it is told.
    pub pid: Option<u32>,
    /// Its image name, if it is told.
    pub image: Option<String>,
    /// All handles.
    pub total: Option<u64>,
    /// Handles by type (`Event`), the most first.
    pub by_type: Vec<(String, u64)>,
}

impl HandleSummary {
    /// Whether these are the handles of a process: by its id where both are told, else by its image.
    #[must_use]
    pub fn is_of(&self, pid: u32, image: &str) -> bool {
        match self.pid.filter(|_| pid != 0) {
            Some(own) => own == pid,
            None => self.image.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(image)),
        }
    }
}

/// Processes that have ended and are still there: references keep them, no handle table is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedProcesses {
    /// How many a text shows.
    pub processes: u64,
    /// The image that most of them ran, and how many, where that is told.
    pub most: Option<(String, u64)>,
}

/// What Driver Verifier counted of one driver.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifiedDriver {
    /// File name (`foo.sys`), as far as it is told.
    pub name: String,
    /// In paged pool.
    pub paged: Option<AllocationCount>,
    /// In nonpaged pool.
    pub nonpaged: Option<AllocationCount>,
    /// By tag, where the single allocations are listed. Nobody says in which pool.
    pub tags: Vec<(PoolTag, AllocationCount)>,
    /// Allocations that it left behind when it was unloaded, for which Windows was stopped.
    pub left_at_unload: Option<u64>,
    /// Pages that it left locked when a process ended, for which Windows was stopped.
    pub left_locked_pages: Option<u64>,
}

/// Stands for the driver where statistics are of all together.
pub(crate) const ALL_DRIVERS: &str = "all verified drivers";

impl VerifiedDriver {
    /// Whether this is what all drivers have together.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.name == ALL_DRIVERS
    }
}

/// Allocations that were counted one by one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AllocationCount {
    /// How many are outstanding.
    pub outstanding: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A state beside a series, of which only the circumstance is told: `after the driver update`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndatedState {
    /// The circumstance, in the words of the text.
    pub remark: String,
    /// What it says was done before, if it says so.
    pub after: Option<Remediation>,
    /// What was measured then.
    pub snapshot: Snapshot,
}

/// What was done about a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Remediation {
    /// A driver was changed.
    Driver,
    /// A program or service was stopped, restarted or changed.
    Program,
    /// The machine was restarted.
    Restart,
    /// Something else.
    Other,
}

impl Remediation {
    /// What a remark says was done, if it says that something was.
    pub(crate) fn from_remark(remark: &str) -> Option<Self> {
        let lower = remark.to_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
        let after = ["after", "nach ", "après", "apres", "después", "dopo", "após", "после"];
        if !says(&after) {
            return None;
        }
        Some(if says(&["driver", "treiber", "pilote", "controlador", "драйвер"]) {
            Self::Driver
        } else if says(&["reboot", "boot", "neustart", "redémarrage", "reinicio", "перезагруз"])
        {
            Self::Restart
        } else if says(&["service", "process", "program", "dienst", "prozess", ".exe", "kill"]) {
            Self::Program
        } else {
            Self::Other
        })
    }
}
