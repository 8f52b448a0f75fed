//! An agent that measures the small capture.

use std::{cell::RefCell, path::Path};

use poolwatch_agent::{
    agent::Agent,
    clock::SystemClock,
    collect::{CollectorSet, Sampler},
    identity::IdentityFile,
    machine::replay::Replay,
    spool::{Spool, SpoolLimits},
    status::UploadHealth,
    suggested::Suggested,
    synthetic::small_capture,
    upload::{Client, ClientOptions, Sender, Uploader},
};
use poolwatch_model::{BootId, Snapshot};
use tempfile::TempDir;
use uuid::Uuid;

/// The token that the server of these tests takes.
pub(crate) const TOKEN: &str = "join-us";

pub(crate) struct Fixture {
    _folder: TempDir,
    pub(crate) agent: RefCell<Agent>,
    clock: SystemClock,
    sampler: Sampler,
    /// What was measured, in order.
    pub(crate) taken: Vec<Snapshot>,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let clock = SystemClock::start();
        let boot = BootId(Uuid::from_u128(77));
        let machine = Replay::new(small_capture(), clock, boot, None);
        let agent = Agent {
            machine: Box::new(machine),
            spool: open_spool(folder.path()),
            identity: IdentityFile::open(folder.path(), Uuid::from_u128(5)).unwrap(),
            suggested: Suggested::open(folder.path()).unwrap(),
            event_log: Ok(()),
            survey: None,
            service_control: None,
            uploads: UploadHealth::default(),
            faults: Vec::new(),
            publish_status: None,
        };
        let sampler = Sampler::new(CollectorSet::all(), 100_000);
        Self { _folder: folder, agent: RefCell::new(agent), clock, sampler, taken: Vec::new() }
    }

    /// Takes snapshots into the spool.
    pub(crate) fn sample(&mut self, count: usize) {
        for _ in 0..count {
            let Agent { machine, spool, .. } = &mut *self.agent.borrow_mut();
            let now = machine.now();
            let snapshot = self.sampler.snapshot(machine.as_mut(), &self.clock, 0);
            self.taken.push(snapshot.clone());
            spool.push(machine.boot(), now, snapshot).unwrap();
        }
    }

    /// Frames that wait.
    pub(crate) fn waiting(&self) -> usize {
        let pending = self.agent.borrow_mut().spool.pending(usize::MAX, usize::MAX).unwrap();
        pending.map_or(0, |pending| pending.len())
    }
}

fn open_spool(folder: &Path) -> Spool {
    Spool::open(folder, SpoolLimits::of_megabytes(8)).unwrap()
}

pub(crate) fn uploader(server_url: &str, token: Option<&str>) -> Uploader {
    let options = ClientOptions { server_url: server_url.into(), ..ClientOptions::default() };
    Uploader::new(Client::new(Sender::start().unwrap(), options), token.map(str::to_owned), 1)
}
