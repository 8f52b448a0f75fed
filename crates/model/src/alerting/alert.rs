//! What a rule about hosts or about the server found.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::HostId;

/// An alert, as the server numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AlertId(pub i64);

/// A host on which what a rule tells of goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertHost {
    /// Which; of a rule about the server itself, [`SERVER`].
    pub host: HostId,
    /// Since when.
    pub since: Timestamp,
    /// Its latest value, in the unit of the rule's threshold.
    pub value: u64,
}

/// Stands for the server itself among hosts: none has this number.
pub const SERVER: HostId = HostId(0);

/// What a rule tells of, on one host or many, from its beginning to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Its number.
    pub id: AlertId,
    /// The rule's name.
    pub rule: String,
    /// When it began.
    pub opened: Timestamp,
    /// When it ended, if it did.
    pub ended: Option<Timestamp>,
    /// Hosts on which it goes on, the worst first: not all where they are many.
    pub hosts: Vec<AlertHost>,
    /// How many they are.
    pub host_count: u32,
    /// How many they were when people were told last.
    pub told_count: u32,
    /// When people were told last.
    pub told: Timestamp,
}
