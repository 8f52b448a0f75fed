//! When what is installed is sent: at the start, after enrolment, when it changed, and once a day; and
//! what the server asks of its driver files.

use std::cell::RefCell;

use poolwatch_model::{
    driver_scan::{DriverScan, FileHash},
    inventory::{Driver, Inventory},
};
use poolwatch_protocol::v1::messages::{
    InventoryReply, InventoryRequest, ScansRequest, TagListRequest,
};
use sha2::{Digest, Sha256};
use tracing::{debug, warn};

use crate::{agent::Agent, collect, survey::Found};

/// It is looked for changes so often, and sent so often without any.
const LOOKED_EVERY_MS: u64 = 3_600_000;
const SENT_EVERY_MS: u64 = 24 * LOOKED_EVERY_MS;
/// Scans of one upload.
const SCANS: usize = 16;

/// What is to be sent next.
#[derive(Debug)]
pub(super) enum ToSend {
    Inventory(Box<InventoryRequest>),
    Scans(ScansRequest),
    TagList(TagListRequest),
}

/// What is known of what is installed, and what of it was sent.
#[derive(Debug)]
pub(super) struct Installed {
    /// Whether it is to be sent whatever it is.
    is_due: bool,
    /// Whether the survey is under way.
    is_asked: bool,
    looked_at_ms: Option<u64>,
    ready: Option<Inventory>,
    sent: Option<(FileHash, u64)>,
    scans: Vec<DriverScan>,
    tag_list: Option<TagListRequest>,
}

impl Installed {
    pub(super) const fn new() -> Self {
        Self {
            is_due: true,
            is_asked: false,
            looked_at_ms: None,
            ready: None,
            sent: None,
            scans: Vec::new(),
            tag_list: None,
        }
    }

    /// Has it sent again, for a server that does not know it.
    pub(super) fn make_due(&mut self) {
        self.is_due = true;
        self.looked_at_ms = None;
    }

    /// Whether the survey is under way.
    pub(super) const fn is_asked(&self) -> bool {
        self.is_asked
    }

    /// What is to be sent now, if anything.
    pub(super) fn next(&mut self, agent: &RefCell<Agent>) -> Option<ToSend> {
        let mut agent = agent.borrow_mut();
        let now_ms = agent.machine.now().uptime_ms;
        self.take_found(&agent);
        let is_old = |at_ms: u64, age_ms| now_ms.saturating_sub(at_ms) >= age_ms;
        if !self.is_asked
            && self.ready.is_none()
            && self.looked_at_ms.is_none_or(|at_ms| is_old(at_ms, LOOKED_EVERY_MS))
        {
            self.looked_at_ms = Some(now_ms);
            self.look(&mut agent);
        }
        if let Some(inventory) = &self.ready {
            let facts = agent.machine.facts();
            let request = InventoryRequest { facts, inventory: inventory.clone() };
            let is_known = self.sent.is_some_and(|(sent, at_ms)| {
                sent == fingerprint(&request) && !is_old(at_ms, SENT_EVERY_MS)
            });
            if self.is_due || !is_known {
                return Some(ToSend::Inventory(Box::new(request)));
            }
            self.ready = None;
        }
        if let Some(list) = &self.tag_list {
            return Some(ToSend::TagList(list.clone()));
        }
        if self.scans.is_empty() {
            return None;
        }
        let scans = self.scans.iter().take(SCANS).cloned().collect();
        Some(ToSend::Scans(ScansRequest { scans }))
    }

    fn take_found(&mut self, agent: &Agent) {
        while let Some(found) = agent.survey.as_ref().and_then(|survey| survey.found()) {
            match found {
                Found::Inventory(inventory) => {
                    self.ready = Some(*inventory);
                    self.is_asked = false;
                }
                Found::Scans(scans) => self.scans.extend(scans),
                Found::TagList(list) => self.tag_list = Some(list),
            }
        }
    }

    fn look(&mut self, agent: &mut Agent) {
        let inventory = match collect::inventory(agent.machine.as_mut()) {
            Ok(inventory) => inventory,
            Err(error) => {
                warn!(%error, "The list of drivers is not available");
                self.is_due = false;
                return;
            }
        };
        match &agent.survey {
            Some(survey) => self.is_asked = survey.ask(inventory.drivers),
            None => self.ready = Some(inventory),
        }
    }

    /// Takes note that an inventory was sent, and has the files scanned and read that the server
    /// asks for.
    pub(super) fn inventory_sent(
        &mut self,
        agent: &RefCell<Agent>,
        request: &InventoryRequest,
        reply: &InventoryReply,
    ) {
        let agent = agent.borrow();
        self.sent = Some((fingerprint(request), agent.machine.now().uptime_ms));
        self.forget_inventory();
        let wanted = &reply.wanted_scans;
        let is_wanted = |driver: &&Driver| driver.sha256.is_some_and(|hash| wanted.contains(&hash));
        let drivers: Vec<Driver> =
            request.inventory.drivers.iter().filter(is_wanted).cloned().collect();
        let list = request.inventory.tag_list.clone().filter(|_| reply.wants_tag_list);
        if let (Some(survey), Some(list)) = (&agent.survey, list) {
            debug!(path = list.path, "The server asks for a pooltag.txt");
            survey.ask_for_tag_list(list);
        }
        if let Some(survey) = agent.survey.as_ref().filter(|_| !drivers.is_empty()) {
            debug!(drivers = drivers.len(), "The server asks for scans of drivers");
            if !survey.ask_for_scans(drivers) {
                warn!("Drivers are not scanned: earlier ones still are");
            }
        }
    }

    /// Gives up on the pooltag.txt that was sent, taken or refused.
    pub(super) fn forget_tag_list(&mut self) {
        self.tag_list = None;
    }

    /// Gives up on an inventory, sent or refused.
    pub(super) fn forget_inventory(&mut self) {
        self.is_due = false;
        self.ready = None;
    }

    /// Gives up on the scans that were sent, taken or refused.
    pub(super) fn forget_scans(&mut self) {
        self.scans.drain(..self.scans.len().min(SCANS));
        if self.scans.is_empty() {
            self.scans = Vec::new();
        }
    }
}

fn fingerprint(request: &InventoryRequest) -> FileHash {
    let json = serde_json::to_vec(request).unwrap_or_default();
    FileHash::new(Sha256::digest(json).into())
}
