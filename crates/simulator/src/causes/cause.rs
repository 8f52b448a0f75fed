//! What a cause is: what it does to a host, and what is true of it.

use std::{fmt, sync::Arc};

use jiff::Timestamp;
use poolwatch_model::{Pool, PoolTag, diagnosis::Verdict, memory::Memory};

use crate::{
    boots::Boot,
    events::{Entry, When},
    hosts::HostPlan,
    picture::Picture,
    timeline::Timeline,
    truth::Culprit,
};

/// What is planted on one host.
pub(crate) type Causes = Arc<[Arc<dyn Cause>]>;

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
    pub(super) fn minute(&self) -> i64 {
        self.own_s / 60
    }

    /// Whole minutes since the host started.
    pub(super) fn up_minutes(&self) -> i64 {
        ((self.own_s - self.boot.start_s) / 60).max(0)
    }

    /// What the host's clock showed at a time of the host's.
    pub(super) fn host_time(&self, own_s: i64) -> Timestamp {
        self.plan.wall(self.timeline.true_time(own_s * 1000))
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

/// What a cause says of itself.
#[derive(Debug)]
pub(crate) struct Description {
    pub(crate) id: &'static str,
    pub(crate) verdict: Verdict,
    pub(crate) pool: Option<Pool>,
    pub(crate) tags: Vec<PoolTag>,
    pub(crate) culprit: Culprit,
}

/// How a cause goes on on one host.
#[derive(Debug, Default)]
pub(crate) struct Growth {
    pub(crate) start_s: i64,
    pub(crate) objects_per_hour: u64,
    pub(crate) bytes_per_day: u64,
}
