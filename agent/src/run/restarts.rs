//! Restarts of services while the agent runs.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    io, thread,
    time::Duration,
};

use poolwatch_model::{Snapshot, process::ProcessHandles};
use tokio::{sync::Notify, time};
use tracing::{error, info, warn};

use crate::{
    clock::Clock,
    restart::{
        Clocks, LeakWatch, Leaker, Refusal, RestartRecordFile, RestartRules, ServiceControl,
        permit, pool_bytes,
    },
};

/// How long a service may take to stop.
const STOPS_WITHIN: u32 = 60;
/// How often a start is tried, and how long after the one before.
const STARTS: u32 = 3;
const START_AGAIN: Duration = Duration::from_secs(10);
/// While the agent ends, how often it is tried to start a service that it stopped, and how far apart.
const END_LOOKS: u32 = 10;
const END_LOOKS_EVERY: Duration = Duration::from_millis(300);
/// How long after a restart it is seen what came back.
const SETTLED_AFTER: Duration = Duration::from_secs(10 * 60);
/// A restart helped when so much of the pool came back: one part in so many, and so many bytes.
const HELPED_PART: u64 = 100;
const HELPED_BYTES: u64 = 8 << 20;

/// What restarts services.
pub(super) struct Restarts {
    rules: RestartRules,
    watch: RefCell<LeakWatch>,
    found: RefCell<Vec<Leaker>>,
    handles: RefCell<Vec<ProcessHandles>>,
    pool_bytes: Cell<Option<u64>>,
    refused: RefCell<BTreeMap<String, Refusal>>,
    bell: Notify,
}

impl Restarts {
    pub(super) fn new(rules: RestartRules) -> Self {
        Self {
            rules,
            watch: RefCell::default(),
            found: RefCell::default(),
            handles: RefCell::default(),
            pool_bytes: Cell::default(),
            refused: RefCell::default(),
            bell: Notify::new(),
        }
    }

    /// Takes notice of a snapshot.
    pub(super) fn heed(&self, now: Duration, snapshot: &Snapshot) {
        self.pool_bytes.set(pool_bytes(snapshot));
        if !snapshot.handles_by_type.is_empty() {
            self.handles.borrow_mut().clone_from(&snapshot.handles_by_type);
        }
        let found = self.watch.borrow_mut().observe(&self.rules, now, snapshot);
        if !found.is_empty() {
            *self.found.borrow_mut() = found;
            self.bell.notify_one();
        }
    }

    /// Restarts what may be restarted, for as long as the agent runs.
    pub(super) async fn carry_out(
        &self,
        control: &mut dyn ServiceControl,
        record: &mut RestartRecordFile,
        clock: &dyn Clock,
    ) {
        keep(record.change(|record| record.keep_listed(&self.rules.services)));
        if record.get().last.as_ref().is_some_and(|last| last.has_helped.is_none()) {
            // The agent ended before it was known.
            self.conclude(control, record).await;
        }
        loop {
            self.bell.notified().await;
            let found = self.found.take();
            let permitted = found.iter().find(|leaker| {
                let facts = control.facts(&leaker.service);
                let verdict = permit(&self.rules, leaker, &facts, record.get(), clocks(clock));
                verdict.map_err(|refusal| self.note_refusal(leaker, refusal)).is_ok()
            });
            if let Some(leaker) = permitted {
                self.restart(leaker, control, record, clock).await;
            }
        }
    }

    /// Says why a service is not restarted, once for each reason.
    fn note_refusal(&self, leaker: &Leaker, refusal: Refusal) {
        let before = self.refused.borrow_mut().insert(leaker.service.clone(), refusal);
        if before != Some(refusal) {
            info!("{leaker}; it is not restarted: {refusal}");
        }
    }

    async fn restart(
        &self,
        leaker: &Leaker,
        control: &mut dyn ServiceControl,
        record: &mut RestartRecordFile,
        clock: &dyn Clock,
    ) {
        let begin = record.change(|record| {
            record.begin(&leaker.service, leaker.pool_bytes, clocks(clock));
        });
        if let Err(error) = begin {
            warn!(%error, "No service is restarted: that it was cannot be kept");
            return;
        }
        let handles = self.handles.borrow().iter().find(|one| one.key == leaker.process).cloned();
        let by_type = handles.map(|one| format!("; handles by type: {:?}", one.by_type));
        let evidence = format!("Restarting {leaker}{}", by_type.unwrap_or_default());
        warn!("{evidence}");
        control.tell(&evidence);
        let service = &leaker.service;
        let restarted = match control.stop(service) {
            Ok(()) => {
                keep(record.change(|record| record.is_down = true));
                Down { service, control: &mut *control, is_up: false }.restart().await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = &restarted {
            error!("{service} could not be restarted: {error}");
            control.tell(&format!("{service} could not be restarted: {error}"));
        }
        keep(record.change(|record| record.is_down = restarted.is_err()));
        match restarted {
            Ok(true) => self.conclude(control, record).await,
            Ok(false) | Err(_) => keep(record.change(|record| record.conclude(false))),
        }
    }

    /// Sees after a while what came back, and keeps whether that was worth it.
    async fn conclude(&self, control: &mut dyn ServiceControl, record: &mut RestartRecordFile) {
        time::sleep(SETTLED_AFTER).await;
        let Some(last) = record.get().last.clone() else { return };
        let back = self.pool_bytes.get().map_or(0, |now| last.pool_bytes.saturating_sub(now));
        let has_helped = back >= (last.pool_bytes / HELPED_PART).max(HELPED_BYTES);
        let again = if has_helped { "" } else { "; it is not restarted again" };
        let outcome = format!("{} MB of pool came back after {}{again}", back >> 20, last.service);
        warn!("{outcome}");
        control.tell(&outcome);
        keep(record.change(|record| record.conclude(has_helped)));
    }
}

/// A service that was asked to stop: started again whatever happens to who waits for it.
struct Down<'a> {
    service: &'a str,
    control: &'a mut dyn ServiceControl,
    is_up: bool,
}

impl Down<'_> {
    /// Waits for its end and starts it. Whether it ended in time.
    async fn restart(&mut self) -> io::Result<bool> {
        let mut waited = 0;
        while !self.control.has_stopped(self.service)? {
            waited += 1;
            if waited == STOPS_WITHIN {
                self.control.tell(&format!("{} does not stop; waiting for it", self.service));
            }
            time::sleep(Duration::from_secs(1)).await;
        }
        for _ in 1..STARTS {
            match self.control.start(self.service) {
                Ok(()) => {
                    self.is_up = true;
                    return Ok(waited < STOPS_WITHIN);
                }
                Err(error) => warn!(self.service, %error, "It does not start; trying again"),
            }
            time::sleep(START_AGAIN).await;
        }
        self.control.start(self.service)?;
        self.is_up = true;
        Ok(waited < STOPS_WITHIN)
    }
}

impl Drop for Down<'_> {
    fn drop(&mut self) {
        for _ in 0..END_LOOKS {
            if self.is_up || self.control.start(self.service).is_ok() {
                return;
            }
            thread::sleep(END_LOOKS_EVERY);
        }
    }
}

fn clocks(clock: &dyn Clock) -> Clocks {
    Clocks { wall: clock.wall(), monotonic: clock.monotonic() }
}

fn keep(kept: io::Result<()>) {
    if let Err(error) = kept {
        warn!(%error, "What restarts were worth cannot be kept");
    }
}

/// Starts a service that an agent stopped which ended before it could start it.
pub(super) fn start_left_down(control: &mut dyn ServiceControl, record: &mut RestartRecordFile) {
    let Some(last) = record.get().last.clone().filter(|_| record.get().is_down) else { return };
    let started = match control.has_stopped(&last.service) {
        Ok(true) => control.start(&last.service),
        Ok(false) => Ok(()),
        Err(error) => Err(error),
    };
    match started {
        Ok(()) => keep(record.change(|record| record.is_down = false)),
        Err(error) => {
            error!(service = last.service, %error, "A service that the agent stopped does not start");
            control.tell(&format!(
                "{}, which the agent stopped, does not start: {error}",
                last.service
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use poolwatch_model::{Bytes, memory::Memory, process::ProcessUse};
    use tempfile::TempDir;

    use super::*;
    use crate::{clock::SystemClock, restart::ServiceFacts};

    /// A service manager that notes what is asked of it.
    struct Manager {
        calls: Vec<String>,
        stops_after: u32,
        fails_to_start: u32,
    }

    impl ServiceControl for Manager {
        fn facts(&mut self, _: &str) -> ServiceFacts {
            ServiceFacts {
                pid: Some(416),
                has_own_process: Some(true),
                accepts_stop: Some(true),
                has_running_dependents: Some(false),
                is_critical: Some(false),
                is_protected: Some(false),
                is_in_cluster: Some(false),
            }
        }

        fn stop(&mut self, service: &str) -> io::Result<()> {
            self.calls.push(format!("stop {service}"));
            Ok(())
        }

        fn has_stopped(&mut self, _: &str) -> io::Result<bool> {
            let has_stopped = self.stops_after == 0;
            self.stops_after = self.stops_after.saturating_sub(1);
            Ok(has_stopped)
        }

        fn start(&mut self, service: &str) -> io::Result<()> {
            self.calls.push(format!("start {service}"));
            if self.fails_to_start > 0 {
                self.fails_to_start -= 1;
                return Err(io::Error::other("not now"));
            }
            Ok(())
        }

        fn tell(&mut self, text: &str) {
            self.calls.push(text.to_owned());
        }
    }

    fn snapshot(pool: u64) -> Snapshot {
        let mut process = ProcessUse::new(416, None, "badapp.exe");
        process.services = vec!["BadApp".to_owned()];
        process.handles = Some(200_000);
        Snapshot {
            processes: Some(vec![process]),
            memory: Memory {
                paged: Some(Bytes(0)),
                nonpaged: Some(Bytes(pool)),
                ..Memory::default()
            },
            ..Snapshot::default()
        }
    }

    /// Plays a leak until a service is restarted, with so much pool in use before and after.
    async fn play(
        mut manager: Manager,
        before: u64,
        after: u64,
    ) -> (Vec<String>, RestartRecordFile) {
        let folder = TempDir::new().unwrap();
        let mut record = RestartRecordFile::open(folder.path()).unwrap();
        let restarts = Restarts::new(RestartRules {
            services: ["BadApp".to_owned()].into(),
            handles: 100_000,
            quota_percent: 50,
            after: Duration::from_secs(300),
            period: Duration::from_secs(3600),
        });
        let sampling = async {
            for minute in 0..40 {
                let pool = if minute < 6 { before } else { after };
                restarts.heed(Duration::from_secs(60 * minute), &snapshot(pool));
                time::sleep(Duration::from_secs(60)).await;
            }
        };
        let clock = SystemClock::start();
        tokio::select! {
            () = sampling => {}
            () = restarts.carry_out(&mut manager, &mut record, &clock) => {}
        }
        (manager.calls, record)
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_is_stopped_started_and_what_came_back_is_told() {
        let manager = Manager { calls: vec![], stops_after: 5, fails_to_start: 1 };
        let (calls, record) = play(manager, 1 << 30, 600 << 20).await;
        assert!(calls[0].starts_with("Restarting BadApp (badapp.exe, pid 416)"), "{calls:?}");
        assert_eq!(calls[1..4], ["stop BadApp", "start BadApp", "start BadApp"]);
        assert_eq!(calls[4..], ["424 MB of pool came back after BadApp"]);
        assert_eq!(record.get().last.as_ref().unwrap().has_helped, Some(true));
    }

    #[tokio::test(start_paused = true)]
    async fn what_did_not_help_or_did_not_stop_is_not_done_again() {
        let manager = Manager { calls: vec![], stops_after: 0, fails_to_start: 0 };
        let (calls, record) = play(manager, 1 << 30, 1 << 30).await;
        assert_eq!(calls.iter().filter(|call| *call == "stop BadApp").count(), 1, "{calls:?}");
        assert!(record.get().in_vain.contains("BadApp"));
        let manager = Manager { calls: vec![], stops_after: 100, fails_to_start: 0 };
        let (calls, record) = play(manager, 1 << 30, 1 << 30).await;
        assert_eq!(calls[2..], ["BadApp does not stop; waiting for it", "start BadApp"]);
        assert!(record.get().in_vain.contains("BadApp") && !record.get().is_down);
    }

    #[tokio::test(start_paused = true)]
    async fn an_agent_that_ends_meanwhile_leaves_no_service_down() {
        let mut manager = Manager { calls: vec![], stops_after: 1000, fails_to_start: 1 };
        let mut down = Down { service: "BadApp", control: &mut manager, is_up: false };
        assert!(time::timeout(Duration::from_secs(3), down.restart()).await.is_err());
        drop(down);
        assert_eq!(manager.calls, ["start BadApp", "start BadApp"]);
        // The next agent sees to what this one could not start.
        let folder = TempDir::new().unwrap();
        let mut record = RestartRecordFile::open(folder.path()).unwrap();
        let now = clocks(&SystemClock::start());
        record.change(|record| record.begin("BadApp", 1 << 30, now)).unwrap();
        record.change(|record| record.is_down = true).unwrap();
        let mut manager = Manager { calls: vec![], stops_after: 0, fails_to_start: 0 };
        let mut record = RestartRecordFile::open(folder.path()).unwrap();
        start_left_down(&mut manager, &mut record);
        start_left_down(&mut manager, &mut record);
        assert_eq!(manager.calls, ["start BadApp"]);
    }
}
