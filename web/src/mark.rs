//! The mark of an open incident beside what it is about.

use poolwatch_model::{
    diagnosis::Verdict,
    incident::{Incident, IncidentId},
};

/// An open incident of what a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IncidentMark {
    /// Which.
    pub id: IncidentId,
    /// Its verdict.
    pub verdict: Verdict,
}

impl From<&Incident> for IncidentMark {
    fn from(incident: &Incident) -> Self {
        Self { id: incident.id, verdict: incident.diagnosis.verdict }
    }
}
