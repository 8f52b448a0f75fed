//! A driver that all hosts have, and whose version 5.1 never frees one kind of its allocations.

use poolwatch_model::{
    Pool::Nonpaged,
    diagnosis::{SuspectKind, Verdict},
};

use super::cause::{Cause, Description, Growth, Moment};
use crate::{
    boots::{DAY_S, HOUR_S, Reason},
    hosts::HostPlan,
    patterns::{growth::hourly_wobble, rng::SeededRng},
    picture::Picture,
    tags::FOO_TAG,
    truth::Culprit,
};

const UNIT: u64 = 1088;
const HEALTHY: &str = "5.0.3.1";
const LEAKING: &str = "5.1.0.2";
/// Outstanding on any host, and allocations per minute.
const USUAL: u64 = 2100;
const PER_MINUTE: u64 = 640;

#[derive(Debug)]
struct Leak {
    /// When the host started with the new version.
    updated_s: i64,
    per_hour: u64,
    most: u64,
}

/// `foo.sys` on one host.
#[derive(Debug)]
pub(super) struct Foo {
    leak: Option<Leak>,
}

impl Foo {
    pub(super) fn healthy() -> Self {
        Self { leak: None }
    }

    /// Version 5.1; on the worst host at a rate that takes a third of its memory in four days.
    pub(super) fn leaking(ram: u64, worst: bool, rng: &mut SeededRng) -> Self {
        // A share of RAM per day, in tenths of a percent, within what such a driver gets to handle.
        let share = if worst { 75 } else { rng.integer_between(12, 45).unsigned_abs() };
        let bytes_per_day = (ram / 1000 * share).clamp(150 << 20, 2 << 30);
        let updated_s =
            if worst { -98 * HOUR_S } else { -rng.integer_between(30 * HOUR_S, 6 * DAY_S) };
        let leak =
            Leak { updated_s, per_hour: bytes_per_day / UNIT / 24, most: ram / 100 * 55 / UNIT };
        Self { leak: Some(leak) }
    }

    pub(super) fn version(&self) -> &'static str {
        if self.leak.is_some() { LEAKING } else { HEALTHY }
    }

    /// Updated hosts started when they were; a few crashed since.
    pub(super) fn starts(&self, rng: &mut SeededRng) -> Option<Vec<(i64, Reason)>> {
        let leak = self.leak.as_ref()?;
        let mut starts = vec![
            (leak.updated_s - rng.integer_between(12 * DAY_S, 30 * DAY_S), Reason::Update),
            (leak.updated_s, Reason::Update),
            (rng.integer_between(20 * DAY_S, 30 * DAY_S), Reason::Update),
        ];
        if leak.updated_s < -4 * DAY_S && leak.updated_s > -97 * HOUR_S || rng.percent_chance(12) {
            starts.push((-rng.integer_between(8 * HOUR_S, 22 * HOUR_S), Reason::Crash));
        }
        Some(starts)
    }
}

impl Leak {
    fn count(&self, moment: &Moment<'_>) -> u64 {
        if moment.boot.start_s < self.updated_s {
            return 0;
        }
        let minutes = moment.up_minutes();
        // Less than what is leaked in a minute goes up and down.
        let around = hourly_wobble(minutes, (self.per_hour / 6).min(600) as i64).unsigned_abs();
        (minutes.unsigned_abs() * self.per_hour / 60 + around).min(self.most)
    }
}

impl Cause for Foo {
    fn describe(&self) -> Option<Description> {
        self.leak.as_ref()?;
        Some(Description {
            id: "driver",
            verdict: Verdict::Leak,
            pool: Some(Nonpaged),
            tags: vec![FOO_TAG],
            culprit: Culprit {
                kind: SuspectKind::Driver,
                name: "foo.sys".into(),
                service: None,
                version: Some(LEAKING.into()),
                healthy_version: Some(HEALTHY.into()),
                object_type: None,
            },
        })
    }

    fn growth(&self, plan: &HostPlan) -> Growth {
        let Some(leak) = &self.leak else { return Growth::default() };
        // A restart takes all back: growth counts from the last one before the epoch.
        let running = plan.boots.running_at(0).map_or(leak.updated_s, |boot| boot.start_s);
        Growth {
            start_s: running.max(leak.updated_s),
            objects_per_hour: leak.per_hour,
            bytes_per_day: leak.per_hour * 24 * UNIT,
        }
    }

    fn apply(&self, moment: &Moment<'_>, picture: &mut Picture) {
        let minutes = moment.up_minutes();
        let usual = USUAL + hourly_wobble(minutes, 240).unsigned_abs();
        let freed = PER_MINUTE * (minutes.unsigned_abs() + 1);
        let leaked = self.leak.as_ref().map_or(0, |leak| leak.count(moment));
        // What goes up and down is freed when it goes down.
        picture.allocate(FOO_TAG, Nonpaged, usual + leaked, UNIT, freed);
    }

    fn driver(&self) -> Option<(&'static str, &'static str, &'static str)> {
        Some(("foo.sys", self.version(), "Foo Systems"))
    }
}
