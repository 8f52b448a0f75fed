//! The classic: a service on a 32-bit host leaks threads until nonpaged pool is empty.
//!
//! The figures at the fleet's epoch are those of the public case "Understanding Pool Consumption
//! and Event ID: 2020 or 2019" (`!vm`, `!poolused 2` and `!process 0 0` of one host). How it got
//! there is made up: eight handles a minute, each to a thread whose sockets stay referenced, so
//! that the other four tags of the case grow in step. The 29,673 thread objects that the case has
//! beyond the process's handles are kept constant, since their cause is not public.

use poolwatch_model::{
    Bytes,
    Pool::Nonpaged,
    PoolTag,
    diagnosis::{SuspectKind, Verdict},
    memory::Memory,
    process::ObjectTypeUse,
};

use super::cause::{Cause, Description, Growth, Moment};
use crate::{
    boots::{DAY_S, Reason},
    events::{Entry, When},
    hosts::HostPlan,
    patterns::growth::LinearLeak,
    picture::Picture,
    processes,
    truth::Culprit,
};

/// Eight handles a minute; after the epoch the pool holds some thousand more, then allocations fail.
const LEAK: LinearLeak =
    LinearLeak { at_epoch: HANDLES, per_minute: 8, wobble: 15, most: HANDLES + 4200 };
const HANDLES: i64 = 90_472;
/// Handles of the process that are not to threads.
const OTHER_HANDLES: u64 = 140;
/// Nonpaged pool in use and its limit, kilobytes.
const NONPAGED_KB: u64 = 209_844;
const LIMIT_KB: u64 = 217_112;
/// What `!vm` showed as available and resident-available, kilobytes.
const AVAILABLE_KB: u64 = 253_760;
const RESIDENT_KB: u64 = 777_204;

/// A tag of the case: outstanding, bytes of one, and bytes beyond that.
struct Final {
    tag: [u8; 4],
    count: u64,
    unit: u64,
    odd: u64,
    /// How many fall to a thousand handles.
    per_thousand: u64,
}

const FINALS: [Final; 5] = [
    Final { tag: *b"Thre", count: 120_145, unit: 640, odd: 0, per_thousand: 1000 },
    Final { tag: *b"File", count: 187_113, unit: 160, odd: 8096, per_thousand: 2000 },
    Final { tag: *b"AfdE", count: 89_683, unit: 288, odd: 0, per_thousand: 985 },
    Final { tag: *b"TCPT", count: 41_888, unit: 448, odd: 0, per_thousand: 460 },
    Final { tag: *b"AfdC", count: 90_964, unit: 192, odd: 0, per_thousand: 1000 },
];

impl Final {
    /// Outstanding and bytes when `missing` handles are still to be leaked.
    fn at(&self, missing: i64) -> (u64, u64) {
        let back = missing * self.per_thousand as i64 / 1000;
        let count = self.count.saturating_add_signed(-back);
        (count, count * self.unit + self.odd)
    }
}

pub(super) fn starts() -> Vec<(i64, Reason)> {
    vec![(-12 * DAY_S, Reason::Update)]
}

/// Bytes of the five tags.
fn planted_bytes(missing: i64) -> u64 {
    FINALS.iter().map(|of| of.at(missing).1).sum()
}

#[derive(Debug)]
pub(super) struct ThreadLeak;

impl Cause for ThreadLeak {
    fn describe(&self) -> Option<Description> {
        Some(Description {
            id: "classic",
            verdict: Verdict::Exhausted,
            pool: Some(Nonpaged),
            tags: FINALS.iter().map(|of| PoolTag::new(of.tag)).collect(),
            culprit: Culprit {
                kind: SuspectKind::Process,
                name: "mybadapp.exe".into(),
                service: Some("BadApp".into()),
                version: None,
                healthy_version: None,
                object_type: Some("Thread".into()),
            },
        })
    }

    fn growth(&self, _plan: &HostPlan) -> Growth {
        let bytes = planted_bytes(0) - planted_bytes(1440 * LEAK.per_minute);
        Growth {
            start_s: LEAK.start_minute() * 60,
            objects_per_hour: LEAK.per_minute.unsigned_abs() * 60,
            bytes_per_day: bytes,
        }
    }

    fn apply(&self, moment: &Moment<'_>, picture: &mut Picture) {
        let leaked = LEAK.objects_at(moment.minute());
        if moment.minute() >= LEAK.start_minute() {
            let created = moment.host_time(LEAK.start_minute() * 60);
            let mut process =
                processes::planted(processes::CLASSIC_PID, created, "mybadapp.exe", "BadApp");
            let handles = leaked.unsigned_abs();
            let to_threads = handles.saturating_sub(OTHER_HANDLES);
            process.handles = Some(handles as u32);
            process.threads = Some(24);
            process.private_bytes = Some(38 << 20);
            let (paged, nonpaged) = processes::quota(handles, true);
            (process.paged_quota, process.nonpaged_quota) = (Some(paged), Some(nonpaged));
            picture.admit(process, Some(("Thread", to_threads)));
            picture.add_objects("Thread", Nonpaged, 0, to_threads);
        }
        for of in &FINALS {
            let (count, bytes) = of.at(HANDLES - leaked);
            picture.pin(PoolTag::new(of.tag), Nonpaged, count, bytes);
            let objects = |of: &mut ObjectTypeUse| {
                of.objects = count as u32;
                of.peak_objects = count as u32;
            };
            match &of.tag {
                b"Thre" => picture.change_type("Thread", objects),
                b"File" => picture.change_type("File", objects),
                _ => {}
            }
        }
    }

    fn settle(&self, moment: &Moment<'_>, memory: &mut Memory) {
        let now = planted_bytes(HANDLES - LEAK.objects_at(moment.minute()));
        let growth_to_come = planted_bytes(0) as i64 - now as i64;
        let at = |kilobytes: u64| {
            let bytes = (kilobytes << 10).saturating_add_signed(growth_to_come);
            Some(Bytes(bytes / 4096 * 4096))
        };
        let used = (NONPAGED_KB << 10).saturating_add_signed(-growth_to_come).min(LIMIT_KB << 10);
        memory.nonpaged = Some(Bytes(used / 4096 * 4096));
        memory.nonpaged_limit = Some(Bytes::from_kib(LIMIT_KB));
        memory.available = at(AVAILABLE_KB);
        memory.resident_available = at(RESIDENT_KB);
    }

    fn events(&self, _plan: &HostPlan) -> Vec<(When, Entry)> {
        // Some megabytes before the limit, larger requests find no room any more.
        [45, 225, 405].map(|s| (When::AfterLive(s), Entry::PoolEmpty(Nonpaged))).to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_leak_never_goes_back_and_ends_at_the_published_number() {
        for minute in -12_000..600 {
            assert!(LEAK.objects_at(minute) <= LEAK.objects_at(minute + 1), "{minute}");
        }
        assert_eq!((LEAK.objects_at(LEAK.start_minute() - 1), LEAK.objects_at(0)), (0, HANDLES));
        assert_eq!(
            planted_bytes(0),
            76_892_800 + 29_946_176 + 25_828_704 + 18_765_824 + 17_465_088
        );
    }
}
