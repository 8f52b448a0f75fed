//! What makes hosts sick: one file per cause.

mod classic;
mod commit;
mod driver;
mod high_use;
mod paged;

use std::{fmt, sync::Arc};

use poolwatch_model::{PoolTag, memory::Memory};

use crate::{
    boots::{Boot, Reason},
    events::{Entry, When},
    fleet::Scenario,
    hosts::{
        CLASSIC_HOST, COMMIT_HOST, DRIVER_HOST, Era, HIGH_USE_HOST, HostPlan, Machine, PAGED_HOST,
    },
    picture::Picture,
    random::{Dice, Subject},
    timeline::Timeline,
    truth::{Description, Growth},
};

pub(crate) use classic::{OTHER_NONPAGED as CLASSIC_OTHER_NONPAGED, PID as CLASSIC_PID};

/// Tags that only causes use.
pub(crate) const PLANTED_TAGS: [PoolTag; 1] = [driver::TAG];

/// A moment in a host's life.
#[derive(Debug)]
pub(crate) struct Moment<'a> {
    pub(crate) plan: &'a HostPlan,
    pub(crate) boot: &'a Boot,
    /// The host's time, whole minutes, in seconds since the epoch.
    pub(crate) own_s: i64,
    pub(crate) timeline: Timeline,
}

impl<'a> Moment<'a> {
    pub(crate) fn new(plan: &'a HostPlan, boot: &'a Boot, own_s: i64, timeline: Timeline) -> Self {
        Self { plan, boot, own_s, timeline }
    }

    /// Whole minutes since the fleet's epoch.
    fn minute(&self) -> i64 {
        self.own_s / 60
    }

    /// Whole minutes since the host started.
    fn up_minutes(&self) -> i64 {
        ((self.own_s - self.boot.start_s) / 60).max(0)
    }

    /// What the host's clock showed at a time of the host's.
    fn host_time(&self, own_s: i64) -> jiff::Timestamp {
        crate::events::host_clock(self.plan, self.timeline.true_time(own_s * 1000))
    }
}

/// Something planted on a host. Its effect depends on nothing but the moment.
pub(crate) trait Cause: fmt::Debug + Send + Sync {
    /// What is true of it; `None` for what is no trouble.
    fn describe(&self) -> Option<Description>;

    /// How it goes on on this host.
    fn growth(&self, plan: &HostPlan) -> Growth;

    /// Changes tags, processes and object types.
    fn apply(&self, moment: &Moment<'_>, picture: &mut Picture);

    /// Changes the system-wide figures that follow from the picture.
    fn settle(&self, _moment: &Moment<'_>, _memory: &mut Memory) {}

    /// Events that it leads to.
    fn events(&self, _plan: &HostPlan) -> Vec<(When, Entry)> {
        Vec::new()
    }

    /// A driver of its own that the host has: name, version, company.
    fn driver(&self) -> Option<(&'static str, &'static str, &'static str)> {
        None
    }
}

/// What was planted on a host.
#[derive(Debug, Default)]
pub(crate) struct Planted {
    pub(crate) causes: Vec<Arc<dyn Cause>>,
    pub(crate) foo_version: Option<&'static str>,
    /// When it starts, where that is part of the plan.
    pub(crate) starts: Option<Vec<(i64, Reason)>>,
}

/// A cycle like a sawtooth's two sides: 0 at 0, up to `height` and back within an hour.
fn wobble(minute: i64, height: i64) -> i64 {
    let phase = minute.rem_euclid(60);
    phase.min(60 - phase) * height / 30
}

/// Plants what the scenario wants on a host.
pub(crate) fn plant(scenario: &Scenario, index: usize, machine: &Machine) -> Planted {
    let plant = scenario.plant;
    let mut dice = Dice::new(scenario.seed, Subject::Causes, index, 0);
    let mut planted = Planted::default();
    if machine.era == Era::Modern {
        let chosen = index == DRIVER_HOST || (index > COMMIT_HOST && dice.chance(40));
        let shared = if plant.driver && chosen {
            driver::Foo::leaking(machine.ram, index == DRIVER_HOST, &mut dice)
        } else {
            driver::Foo::healthy()
        };
        planted.foo_version = Some(shared.version());
        planted.starts = shared.starts(&mut dice);
        planted.causes.push(Arc::new(shared));
    }
    match index {
        CLASSIC_HOST if plant.classic => {
            planted.causes.push(Arc::new(classic::ThreadLeak));
            planted.starts = Some(classic::starts());
        }
        PAGED_HOST if plant.paged => {
            planted.causes.push(Arc::new(paged::TokenLeak));
            planted.starts = Some(paged::starts());
        }
        HIGH_USE_HOST if plant.high_use => planted.causes.push(Arc::new(high_use::NetworkBuffers)),
        COMMIT_HOST if plant.commit => {
            planted.causes.push(Arc::new(commit::ReportRun));
            planted.starts = Some(commit::starts());
        }
        _ => {}
    }
    planted
}
