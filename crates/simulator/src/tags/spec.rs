//! A tag as the whole fleet knows it.

use poolwatch_model::{Pool, PoolTag};

use crate::{
    hosts::Era,
    patterns::workload::{CacheFill, WorkloadPattern},
};

/// How often a tag's counters move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Every minute.
    Busy,
    /// In two minutes of five.
    Often,
    /// In one minute of twelve.
    Rare,
    /// Hardly ever after start.
    Still,
}

impl Pace {
    /// The chance to move within a minute, of 2^32.
    pub(super) fn chance(self) -> u32 {
        match self {
            Self::Busy => u32::MAX,
            Self::Often => u32::MAX / 5 * 2,
            Self::Rare => u32::MAX / 12,
            Self::Still => u32::MAX / 400,
        }
    }

    /// How far outstanding allocations stray from their level, as a share.
    pub(super) fn stray(self) -> f64 {
        match self {
            Self::Busy => 0.02,
            Self::Often => 0.008,
            Self::Rare => 0.003,
            Self::Still => 0.0,
        }
    }
}

/// Stays at one level.
pub(crate) const LEVEL: WorkloadPattern = WorkloadPattern::Steady { noise: 0.0, bursts: 0.0 };
/// Follows how busy the host is.
pub(crate) const LOAD: WorkloadPattern = WorkloadPattern::Load { depth: 0.5 };
/// Grows for hours after a start, then holds; how long differs by host.
pub(crate) const CACHE: WorkloadPattern =
    WorkloadPattern::Cache { fill: CacheFill::Quadratic, duration: 0.0 };

/// A tag as the whole fleet knows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spec {
    pub(crate) tag: PoolTag,
    pub(crate) pool: Pool,
    /// Bytes of one allocation on 64-bit Windows.
    pub(crate) unit: u64,
    /// Bytes in use on a host of 16 GB.
    pub(crate) typical: u64,
    pub(crate) pace: Pace,
    pub(crate) pattern: WorkloadPattern,
    /// Allocations per minute by outstanding one, in thousandths.
    pub(crate) churn: u64,
    pub(crate) found: Found,
    /// Made up for this simulation; such a tag may be missing on a host.
    pub(crate) made_up: bool,
}

/// On which hosts a tag is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// On all Windows.
    Everywhere,
    /// Only on one era's Windows.
    Era(Era),
    /// Where this vendor's software is installed.
    Vendor(usize),
}

/// The tag of `foo.sys`; found in no list of tags.
pub(crate) const FOO_TAG: PoolTag = PoolTag::new(*b"Fooo");
