//! One host as its agent sees it.

use std::sync::Arc;

use jiff::Timestamp;
use poolwatch_model::{
    Bytes, Snapshot,
    driver_scan::{DriverScan, FileHash},
    event::Event,
    inventory::{Driver, Inventory},
    snapshot::{AgentCost, AgentHoldings},
    tag::{AllocCounting, TagTable},
};
use poolwatch_protocol::v1::{SenderClock, Stamp, StampedSnapshot};

use crate::{
    boots::Boot,
    causes::{Cause, Causes, Moment},
    drivers,
    events::{self, PlannedEvent},
    examined,
    hosts::HostPlan,
    memory,
    picture::Picture,
    running::Running,
    tags::{Catalogue, HostTag},
    timeline::Timeline,
};

/// A host that runs. Its state changes by the minute, whatever the times at which it is looked at;
/// time only goes forward.
#[derive(Debug)]
pub struct HostSim {
    seed: u64,
    plan: Arc<HostPlan>,
    causes: Causes,
    tags: Vec<HostTag>,
    timeline: Timeline,
    running: Option<Running>,
    /// Whether the host was looked at before: then a later start is seen from its beginning.
    seen: bool,
    told_until: Option<Timestamp>,
}

impl HostSim {
    pub(crate) fn new(
        seed: u64,
        plan: Arc<HostPlan>,
        causes: Causes,
        catalogue: &Catalogue,
        timeline: Timeline,
    ) -> Self {
        let tags = catalogue.on_host(seed, &plan);
        Self { seed, plan, causes, tags, timeline, running: None, seen: false, told_until: None }
    }

    /// Who it is.
    #[must_use]
    pub fn plan(&self) -> &HostPlan {
        &self.plan
    }

    pub(crate) fn accelerate(&mut self, timeline: Timeline) {
        self.timeline = timeline;
        if let Some(running) = &mut self.running {
            running.accelerate(timeline);
        }
    }

    /// Its clocks at a true time; `None` while it is down.
    #[must_use]
    pub fn clock_at(&self, time: Timestamp) -> Option<SenderClock> {
        let own_s = self.timeline.own_ms(time).div_euclid(1000);
        let boot = self.plan.boots.running_at(own_s)?;
        let started = self.timeline.true_time(boot.start_s * 1000);
        let uptime_ms = time.as_millisecond() - started.as_millisecond();
        Some(SenderClock {
            boot: boot.id,
            uptime_ms: uptime_ms.max(0).unsigned_abs(),
            wall: self.wall(time),
        })
    }

    /// What its own clock shows at a true time.
    #[must_use]
    pub fn wall(&self, time: Timestamp) -> Timestamp {
        self.plan.wall(time)
    }

    /// Its snapshot at a true time, as its agent takes it; `None` while it is down. A time before
    /// one that was asked for already gives the state of that.
    pub fn snapshot_at(&mut self, time: Timestamp) -> Option<StampedSnapshot> {
        let minute = self.timeline.own_ms(time).div_euclid(60_000);
        let own_s = self.timeline.own_ms(time).div_euclid(1000);
        let clock = self.clock_at(time);
        let boot = self.plan.boots.running_at(own_s);
        let (Some(clock), Some(boot)) = (clock, boot) else {
            self.running = None;
            self.seen = true;
            return None;
        };
        self.run_to(boot, minute);
        let (plan, timeline) = (Arc::clone(&self.plan), self.timeline);
        let since = timeline.true_time(boot.start_s * 1000);
        let pool_failures = events::pool_failures(&self.planned_events(), since, time);
        let running = self.running.as_mut()?;
        let moment = Moment::new(&plan, &boot, minute * 60, timeline);
        let picture = with_causes(running.picture(), &self.causes, &moment);
        let mut memory = memory::of(&plan, &picture);
        for cause in self.causes.iter() {
            cause.settle(&moment, &mut memory);
        }
        running.seq += 1;
        running.commit_peak = running.commit_peak.max(memory.committed.map_or(0, |b| b.0));
        memory.commit_peak = Some(Bytes(running.commit_peak));
        let handles_by_type = if minute % examined::EVERY_MINUTES == 0 {
            examined::handles_by_type(&picture)
        } else {
            Vec::new()
        };
        let Picture { tags, processes, object_types, .. } = picture;
        let snapshot = Snapshot {
            memory,
            cost: Some(cost(tags.len(), processes.len())),
            tags: Some(TagTable {
                counting: AllocCounting::Wrapping32,
                complete: true,
                rows: tags,
            }),
            activity: examined::activity(&processes, minute),
            handles_by_type,
            pool_failures: Some(pool_failures),
            processes: Some(processes),
            object_types: Some(object_types),
            faults: Vec::new(),
        };
        let stamp = Stamp {
            boot: clock.boot,
            seq: running.seq,
            uptime_ms: clock.uptime_ms,
            wall: clock.wall,
        };
        Some(StampedSnapshot { stamp, snapshot })
    }

    fn run_to(&mut self, boot: Boot, minute: i64) {
        let same = self.running.as_ref().is_some_and(|running| running.boot.id == boot.id);
        if !same {
            let from = if self.seen { boot.start_s.div_euclid(60) + 1 } else { minute };
            let from = from.min(minute);
            self.running =
                Some(Running::since(self.seed, &self.plan, &self.tags, boot, from, self.timeline));
            self.seen = true;
        }
        if let Some(running) = &mut self.running {
            running.advance(&self.plan, minute);
        }
    }

    /// The events that its log got after the time asked for last, up to `time`; the first call
    /// tells those since `since`. What happened is told with the host's state as it is now, so a
    /// snapshot should be taken first.
    pub fn events_until(&mut self, since: Timestamp, time: Timestamp) -> Vec<Event> {
        let from = self.told_until.replace(time).unwrap_or(since);
        let planned = self.planned_events();
        let due = planned.iter().filter(|event| event.time > from && event.time <= time);
        due.map(|event| events::record(&self.plan, event, || self.picture_at(event.time))).collect()
    }

    /// When the next entry of its log is written after a true time, as far as that is planned.
    #[must_use]
    pub fn next_event_after(&self, time: Timestamp) -> Option<Timestamp> {
        let planned = self.planned_events();
        planned.iter().map(|event| event.time).find(|at| *at > time)
    }

    fn planned_events(&self) -> Vec<PlannedEvent> {
        let of_causes = self.causes.iter().flat_map(|cause| cause.events(&self.plan));
        events::planned(&self.plan, of_causes, self.timeline)
    }

    fn picture_at(&self, time: Timestamp) -> Option<Picture> {
        let running = self.running.as_ref()?;
        let own_s = self.timeline.own_ms(time).div_euclid(60_000) * 60;
        let moment = Moment::new(&self.plan, &running.boot, own_s, self.timeline);
        Some(with_causes(running.picture(), &self.causes, &moment))
    }

    /// What is installed on it.
    #[must_use]
    pub fn inventory(&self) -> Inventory {
        let of_causes = self.causes.iter().filter_map(|cause| cause.driver());
        drivers::inventory(self.seed, &self.plan, of_causes)
    }

    /// What scans of some of its driver files find.
    #[must_use]
    pub fn scans(&self, files: &[FileHash]) -> Vec<DriverScan> {
        let inventory = self.inventory();
        let is_asked = |driver: &&Driver| driver.sha256.is_some_and(|hash| files.contains(&hash));
        inventory.drivers.iter().filter(is_asked).filter_map(drivers::scan).collect()
    }
}

fn with_causes(mut picture: Picture, causes: &[Arc<dyn Cause>], moment: &Moment<'_>) -> Picture {
    for cause in causes {
        cause.apply(moment, &mut picture);
    }
    picture
}

/// What an agent would cost that reads so many tags and processes.
fn cost(tags: usize, processes: usize) -> AgentCost {
    let cpu_us = 900 + tags as u64 + 6 * processes as u64;
    let held = AgentHoldings {
        handles: 140,
        threads: Some(4),
        paged_quota: 160 << 10,
        nonpaged_quota: 14 << 10,
    };
    AgentCost {
        cpu_us,
        cycle_us: cpu_us * 3 / 2,
        private_bytes: 5 << 20,
        spool_bytes: 0,
        held: Some(held),
    }
}
