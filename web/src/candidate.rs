//! A host that is not in the fleet (`GET /hosts/{id}`): who it says it is, and what to decide.

use askama::Template;
use poolwatch_model::HostId;

use crate::{
    Shell, assets, figures,
    waiting::{CandidateRow, WaitingState},
};

/// A host that is not in the fleet.
#[derive(Debug, Clone, Template)]
#[template(path = "candidate.html")]
pub struct CandidatePage {
    /// What surrounds the page.
    pub shell: Shell,
    /// Who it says it is.
    pub host: CandidateRow,
    /// Its number.
    pub id: HostId,
    /// Where it stands.
    pub state: WaitingState,
    /// Organisational unit of its computer account.
    pub ou: Option<String>,
    /// Labels that its token gave it or that it brought itself.
    pub labels: Vec<String>,
    /// Its machine identity.
    pub machine: Option<String>,
    /// Whether who looks may decide about it.
    pub may_decide: bool,
    /// Whether who looks may delete it.
    pub may_administer: bool,
}

impl CandidatePage {
    fn headline(&self) -> String {
        let name = &self.host.host.name;
        match self.state {
            WaitingState::Waiting => format!("{name} waits for approval."),
            WaitingState::Refused => format!("{name} was refused."),
            WaitingState::Archived => format!("{name} is archived."),
        }
    }

    fn is(&self, state: WaitingState) -> bool {
        self.state == state
    }
}
