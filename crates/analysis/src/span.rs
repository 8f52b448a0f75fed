//! A stretch of a case's axis.

/// Two places on the axis, and the time between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) over_s: u64,
}
