//! A made-up machine.

use crate::cases::Expectation;

/// A row of poolmon: tag, pool, allocations, outstanding, bytes of each.
pub(crate) type Row = (&'static str, &'static str, u64, u64, u64);

/// What tools would tell of a made-up machine.
pub(crate) struct MadeUpMachine {
    pub(crate) memory_kb: u64,
    /// Nonpaged and paged pool.
    pub(crate) totals_kb: [u64; 2],
    pub(crate) rows: Vec<Row>,
    /// Names without their ending, ids and handles.
    pub(crate) processes: Vec<(String, u64, u64)>,
    pub(crate) expected: Expectation,
}
