//! What a fleet is made from.

use jiff::Timestamp;

/// What fleet is made.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// What all chance comes from.
    pub seed: u64,
    /// How many hosts.
    pub hosts: usize,
    /// Where history ends: planted growth reaches its published figures at this moment.
    pub epoch: Timestamp,
    /// What is planted.
    pub plant: Plant,
}

/// Which causes are planted. A cause whose host lies beyond the size of the fleet is not.
#[derive(Debug, Clone, Copy)]
pub struct Plant {
    /// A 32-bit host whose service leaks threads until nonpaged pool is empty (event 2019).
    pub classic: bool,
    /// A host whose service leaks tokens until paged pool is empty (event 2020).
    pub paged: bool,
    /// A driver whose version 5.1 leaks on every host that has it.
    pub driver: bool,
    /// A host where a driver holds much contiguous memory, without growth.
    pub high_use: bool,
    /// A host that ran out of commit, not of pool (event 2004).
    pub commit: bool,
}

impl Plant {
    /// Everything.
    pub const ALL: Self =
        Self { classic: true, paged: true, driver: true, high_use: true, commit: true };
    /// A fleet without troubles.
    pub const NOTHING: Self =
        Self { classic: false, paged: false, driver: false, high_use: false, commit: false };
}

/// Places of the hosts on which causes of one host are planted.
pub(crate) const CLASSIC_HOST: usize = 0;
pub(crate) const PAGED_HOST: usize = 1;
pub(crate) const DRIVER_HOST: usize = 2;
pub(crate) const HIGH_USE_HOST: usize = 3;
pub(crate) const COMMIT_HOST: usize = 4;
