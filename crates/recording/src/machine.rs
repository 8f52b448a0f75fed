//! What a machine gives to be measured: buffers of the kernel, clocks, and facts about itself.
//!
//! [`replay::Replay`] plays a capture on any system; the agent asks the Windows that it runs on.

pub mod grow;
pub mod replay;

use std::{fmt, time::Duration};

use jiff::Timestamp;
use poolwatch_model::{BootId, host::HostFacts, process::ProcessKey, snapshot::AgentHoldings};
use serde::{Deserialize, Serialize};

pub use crate::raw::RawBuffer;

/// A source of the kernel's buffers.
pub trait Machine {
    /// What the kernel says to a query.
    ///
    /// # Errors
    /// The status with which the kernel refused. A buffer is only returned after success.
    fn query(&mut self, class: InfoClass) -> Result<RawBuffer<'_>, Status>;

    /// What the kernel says to a question for the handles of one process (class 51 of
    /// `NtQueryInformationProcess`), lent to `read`. The answer is not kept.
    ///
    /// # Errors
    /// The status with which the kernel refused, or that the machine does not offer this.
    fn lend_handles(
        &mut self,
        _process: ProcessKey,
        _read: &mut dyn FnMut(RawBuffer<'_>),
    ) -> Result<(), Status> {
        Err(Status::NOT_FOUND)
    }

    /// Begins the next snapshot. All queries until the next call belong to one moment.
    fn begin_round(&mut self) {}

    /// The boot that the machine is in.
    fn boot(&self) -> BootId;

    /// The machine's clocks now.
    fn now(&self) -> Now;

    /// Who the machine is.
    fn facts(&self) -> HostFacts;

    /// What this process has used so far; `None` where nobody asks the system.
    fn own_use(&self) -> Option<OwnUse> {
        None
    }
}

/// What this process has used so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnUse {
    /// CPU time since its start.
    pub cpu: Duration,
    /// Memory of its own.
    pub private_bytes: u64,
    /// What it holds.
    pub held: Option<AgentHoldings>,
}

/// A machine's clocks at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Now {
    /// Milliseconds since boot.
    pub uptime_ms: u64,
    /// Wall clock, to the millisecond.
    pub wall: Timestamp,
}

/// What the kernel can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InfoClass {
    /// Page size and physical memory (class 0).
    Basic,
    /// Pool, commit and physical memory (class 2).
    Performance,
    /// The documented summary of the same (`K32GetPerformanceInfo`).
    PerformanceInfo,
    /// Processes and threads (class 5).
    Processes,
    /// Loaded kernel images (class 11).
    Modules,
    /// Pool tags with 32-bit counts (class 22).
    PoolTags,
    /// Pool tags with 64-bit counts (class 255).
    PoolTags2,
    /// Every handle (class 64): costly.
    Handles,
    /// Totals of kernel object types (`NtQueryObject` class 3).
    ObjectTypes,
    /// Running services and their processes (`EnumServicesStatusExW`).
    Services,
    /// What the kernel says to be short of (`\KernelObjects\…Condition`).
    MemoryConditions,
    /// The Server service's counters, as its performance library gives them, with our own head.
    ServerService,
}

impl InfoClass {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Basic,
        Self::Performance,
        Self::PerformanceInfo,
        Self::Processes,
        Self::Modules,
        Self::PoolTags,
        Self::PoolTags2,
        Self::Handles,
        Self::ObjectTypes,
        Self::Services,
        Self::MemoryConditions,
        Self::ServerService,
    ];

    /// Its number in capture files: the class of `NtQuerySystemInformation`, or 0x1000 plus a
    /// number of our own for other calls.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::Basic => 0,
            Self::Performance => 2,
            Self::Processes => 5,
            Self::Modules => 11,
            Self::PoolTags => 22,
            Self::Handles => 64,
            Self::PoolTags2 => 255,
            Self::PerformanceInfo => 0x1000,
            Self::ObjectTypes => 0x1003,
            Self::Services => 0x1004,
            Self::MemoryConditions => 0x1005,
            Self::ServerService => 0x1006,
        }
    }

    /// The query with this number.
    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.number() == number)
    }
}

/// An NTSTATUS or Windows error that is no success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub struct Status(u32);

impl Status {
    /// The kernel does not know the class (`STATUS_INVALID_INFO_CLASS`).
    pub const INVALID_INFO_CLASS: Self = Self(0xC000_0003);
    /// The buffer was too small (`STATUS_INFO_LENGTH_MISMATCH`).
    pub const INFO_LENGTH_MISMATCH: Self = Self(0xC000_0004);
    /// There is no object of this name (`STATUS_OBJECT_NAME_NOT_FOUND`).
    pub const OBJECT_NAME_NOT_FOUND: Self = Self(0xC000_0034);
    /// The answer makes no sense (`STATUS_DATA_ERROR`).
    pub const DATA_ERROR: Self = Self(0xC000_003E);
    /// No resources (`STATUS_INSUFFICIENT_RESOURCES`).
    pub const INSUFFICIENT_RESOURCES: Self = Self(0xC000_009A);
    /// Nothing of the kind here (`STATUS_NOT_FOUND`).
    pub const NOT_FOUND: Self = Self(0xC000_0225);

    /// The status of a call that failed. A caller that mistakes a success for a failure gets
    /// [`Self::DATA_ERROR`]: no value of this type means success.
    #[must_use]
    pub const fn failure(status: u32) -> Self {
        if status == 0 { Self::DATA_ERROR } else { Self(status) }
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    /// Whether the machine does not offer this at all, as opposed to having failed at it now.
    #[must_use]
    pub fn is_not_available(self) -> bool {
        [Self::INVALID_INFO_CLASS, Self::OBJECT_NAME_NOT_FOUND, Self::NOT_FOUND].contains(&self)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let meaning = match *self {
            status if status.is_not_available() => "not available on this host",
            Self::INFO_LENGTH_MISMATCH => "the buffer never was large enough",
            Self::DATA_ERROR => "the answer made no sense",
            Self::INSUFFICIENT_RESOURCES => "the system is out of resources",
            Self(number) => return write!(f, "status {number:#010X}"),
        };
        write!(f, "{meaning} ({:#010X})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_queries_are_distinct_and_come_back() {
        for class in InfoClass::ALL {
            assert_eq!(InfoClass::from_number(class.number()), Some(class));
        }
        assert_eq!(InfoClass::from_number(17), None);
    }

    #[test]
    fn a_failure_never_reads_as_success() {
        assert_ne!(Status::failure(0).number(), 0);
    }
}
