//! What the sampler and the uploader share.

use std::sync::Arc;

use poolwatch_model::snapshot::CollectorFault;

use crate::{
    identity::IdentityFile,
    machine::{Machine, Status},
    restart::ServiceControl,
    settings::Settings,
    spool::Spool,
    status::{AgentStatus, UploadHealth},
    suggested::Suggested,
    survey::Survey,
};

/// A running agent.
pub struct Agent {
    /// What is measured.
    pub machine: Box<dyn Machine>,
    /// Where snapshots wait.
    pub spool: Spool,
    /// Who the agent is.
    pub identity: IdentityFile,
    /// What the server suggested last.
    pub suggested: Suggested,
    /// Whether the event log can be read; what is replayed has none.
    pub event_log: Result<(), Status>,
    /// What reads driver files and the registry; what is replayed has none.
    pub survey: Option<Arc<Survey>>,
    /// By what services are restarted; what is replayed has none.
    pub service_control: Option<Box<dyn ServiceControl>>,
    /// How uploads fare.
    pub uploads: UploadHealth,
    /// What of the latest snapshot could not be had.
    pub faults: Vec<CollectorFault>,
    /// Takes the status whenever it may have changed.
    pub publish_status: Option<PublishStatus>,
}

/// What takes the status of a running agent.
pub type PublishStatus = Box<dyn Fn(&AgentStatus)>;

impl Agent {
    /// Hands its status to who wants it.
    pub fn publish(&self, settings: &Settings) {
        if let Some(publish) = &self.publish_status {
            publish(&self.status(settings));
        }
    }

    /// How it is, as the running agent knows.
    #[must_use]
    pub fn status(&self, settings: &Settings) -> AgentStatus {
        let suggested = self.suggested.get().interval_s;
        let settings = settings.clone().with_suggested_interval(suggested);
        let mut status = AgentStatus::of_settings(&settings);
        status.by_service = true;
        status.service = Some("running".to_owned());
        status.add_identity(&self.identity.summary());
        status.add_spool(&self.spool.summary());
        status.faults = Some(self.faults.clone());
        status.uploads = Some(self.uploads.clone());
        status
    }
}
