//! Points of figures from one source.

use jiff::Timestamp;

use crate::chunk::{Column, Slot};

/// Points of figures from one source.
pub(super) struct Piece {
    /// Where it begins.
    pub(super) start: Timestamp,
    /// Seconds of a point.
    pub(super) step_s: u32,
    /// Its points.
    pub(super) slots: Vec<Slot>,
    /// One per figure.
    pub(super) columns: Vec<Column>,
}
