//! Values over time, with gaps told apart from zeros.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::BootId;

/// One point of a series.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Start of the interval that the point stands for.
    pub at: Timestamp,
    /// Least value in it.
    pub min: u64,
    /// Mean value in it.
    pub mean: u64,
    /// Greatest value in it.
    pub max: u64,
}

/// Why a series breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Break {
    /// The host restarted: values before and after are different runs.
    Reboot {
        /// The boot that begins here.
        boot: BootId,
    },
    /// Nothing was received for longer than twice the usual interval.
    Gap,
}

/// A value over time at one resolution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Length of the interval that each point stands for, seconds.
    pub step_s: u32,
    /// The points, oldest first; intervals without data have none.
    pub points: Vec<Point>,
    /// Where the series breaks, each at the first point after it.
    pub breaks: Vec<(Timestamp, Break)>,
}
