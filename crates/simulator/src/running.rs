//! A host between two starts, minute by minute.

use poolwatch_model::tag::{TagCounters, TagUse};

use crate::{
    boots::Boot,
    hosts::HostPlan,
    objects::Objects,
    patterns::rng::{SeededRng, Subject},
    picture::{Picture, low_32},
    processes::Processes,
    tags::{self, HostTag},
    timeline::Timeline,
};

/// Counters that only grow, and where they are shown.
#[derive(Debug, Clone, Copy)]
struct Counter {
    row: usize,
    /// Allocations since start, in full.
    allocs: u64,
}

/// A running host.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) boot: Boot,
    pub(crate) seq: u64,
    pub(crate) commit_peak: u64,
    minute: i64,
    timeline: Timeline,
    rng: SeededRng,
    tags: Vec<(HostTag, Counter)>,
    /// How likely each of `tags` moves: apart from them, since most are only asked this.
    chances: Vec<u32>,
    objects: Objects,
    object_counters: Vec<Counter>,
    rows: Vec<TagUse>,
    processes: Processes,
}

impl Running {
    /// A host in the state that it has in a minute after its start.
    pub(crate) fn since(
        seed: u64,
        plan: &HostPlan,
        host_tags: &[HostTag],
        boot: Boot,
        minute: i64,
        timeline: Timeline,
    ) -> Self {
        let uptime_s = uptime_s(&boot, minute);
        let objects = Objects::new(plan.era);
        let object_tags: Vec<_> = objects.all().iter().map(crate::objects::Counted::tag).collect();
        let places = tags::places(host_tags.iter().map(|tag| &tag.tag).chain(&object_tags));
        let none = TagCounters::default();
        let rows = places.keys().map(|tag| TagUse { tag: *tag, paged: none, nonpaged: none });
        let counter = |tag, allocs| Counter { row: places[tag], allocs };
        let mut running = Self {
            boot,
            seq: 0,
            commit_peak: 0,
            minute,
            timeline,
            rng: SeededRng::of_subject(seed, Subject::Ticks, plan.index, boot.number),
            tags: host_tags
                .iter()
                .map(|tag| (*tag, counter(&tag.tag, tag.allocations_since(uptime_s))))
                .collect(),
            chances: host_tags.iter().map(HostTag::chance).collect(),
            object_counters: objects
                .all()
                .iter()
                .zip(&object_tags)
                .map(|(of, tag)| counter(tag, of.allocations_since(uptime_s)))
                .collect(),
            rows: rows.collect(),
            objects,
            processes: Processes::new(seed, plan, &boot, timeline, uptime_s),
        };
        let load = plan.rhythm.load(minute * 60);
        for at in 0..running.tags.len() {
            running.move_tag(at, uptime_s, load);
        }
        running.count_objects(load);
        running
    }

    pub(crate) fn accelerate(&mut self, timeline: Timeline) {
        self.timeline = timeline;
    }

    /// Lets time pass up to a minute.
    pub(crate) fn advance(&mut self, plan: &HostPlan, minute: i64) {
        while self.minute < minute {
            self.minute += 1;
            let uptime_s = uptime_s(&self.boot, self.minute);
            let own_s = self.minute * 60;
            let load = plan.rhythm.load(own_s);
            let least = tags::least_chance(uptime_s);
            for at in 0..self.chances.len() {
                if self.rng.next_bits() <= self.chances[at].max(least) {
                    self.move_tag(at, uptime_s, load);
                }
            }
            let clock = (self.timeline, plan.skew_ms);
            self.processes.step(own_s, uptime_s, load, clock, &mut self.rng);
            self.count_objects(load);
        }
    }

    fn move_tag(&mut self, at: usize, uptime_s: i64, load: f64) {
        let (tag, counter) = &mut self.tags[at];
        let outstanding = tag.outstanding(uptime_s, load, &mut self.rng);
        let made = tag.allocations(load, &mut self.rng);
        let row = self.rows[counter.row].of_mut(tag.pool);
        show(row, counter, outstanding, tag.unit, made);
    }

    fn count_objects(&mut self, load: f64) {
        self.objects.count(self.processes.totals());
        for (of, counter) in self.objects.all().iter().zip(&mut self.object_counters) {
            let made = of.allocations(load, &mut self.rng);
            let row = self.rows[counter.row].of_mut(of.pool());
            show(row, counter, of.objects(), of.unit(), made);
        }
    }

    /// What the host shows now, without troubles.
    pub(crate) fn picture(&self) -> Picture {
        Picture {
            tags: self.rows.clone(),
            processes: self.processes.rows(),
            object_types: self.objects.rows(),
            leaked: Vec::new(),
        }
    }
}

/// Shows a tag's new state. What is outstanding more must have been allocated.
fn show(row: &mut TagCounters, counter: &mut Counter, outstanding: u64, unit: u64, made: u64) {
    counter.allocs += made.max(outstanding.saturating_sub(row.outstanding));
    *row = TagCounters { bytes: outstanding * unit, outstanding, allocs: low_32(counter.allocs) };
}

fn uptime_s(boot: &Boot, minute: i64) -> i64 {
    (minute * 60 - boot.start_s).max(0)
}
