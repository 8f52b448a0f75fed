//! What became of an incident.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{IncidentId, IncidentState};

/// Something that became of an incident, or that somebody says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// When.
    pub at: Timestamp,
    /// Name of the person or script; none where the server did it by itself.
    pub by: Option<String>,
    /// What.
    pub what: Noted,
}

/// What a note tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Noted {
    /// It came into this state.
    State(IncidentState),
    /// This person looks after it now; none: nobody.
    Owner(Option<String>),
    /// What somebody says.
    Comment(String),
    /// Somebody knows of it and is at it.
    Acknowledged,
    /// Nobody is told of it for a while, for this reason.
    Silenced(String),
    /// A silence of it ended before its time, for this reason.
    SilenceEnded(String),
    /// Somebody says that it is not over.
    Reopened,
    /// Somebody made it part of this incident.
    MergedInto(IncidentId),
    /// This incident was made part of it.
    TookIn(IncidentId),
    /// Somebody found that this suspect was the cause.
    Confirmed(String),
    /// Somebody found that this suspect was not the cause.
    Refuted(String),
}
