//! A service leaks access tokens until paged pool, bounded by the commit limit, is empty.

use poolwatch_model::{
    Pool::{self, Nonpaged, Paged},
    PoolTag,
    diagnosis::{SuspectKind, Verdict},
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

const PID: u32 = 41_236;
/// After the epoch commit holds so many more, then allocations fail.
const LEAK: LinearLeak =
    LinearLeak { at_epoch: 580_000, per_minute: 150, wobble: 1200, most: 580_000 + 6000 };
const OTHER_HANDLES: u64 = 310;

/// What a token is made of besides its object: bytes in paged and nonpaged pool.
const PARTS: [([u8; 4], Pool, u64); 3] =
    [(*b"SeTd", Paged, 512), (*b"SeAt", Paged, 288), (*b"SeTl", Nonpaged, 64)];
const TOKEN_BYTES: u64 = 1520;

pub(super) fn starts() -> Vec<(i64, Reason)> {
    vec![(-5 * DAY_S, Reason::Update)]
}

#[derive(Debug)]
pub(super) struct TokenLeak;

impl Cause for TokenLeak {
    fn describe(&self) -> Option<Description> {
        let parts = PARTS.iter().filter(|part| part.1 == Paged).map(|part| PoolTag::new(part.0));
        Some(Description {
            id: "paged",
            verdict: Verdict::Exhausted,
            pool: Some(Paged),
            tags: std::iter::once(PoolTag::new(*b"Toke")).chain(parts).collect(),
            culprit: Culprit {
                kind: SuspectKind::Process,
                name: "docbroker.exe".into(),
                service: Some("DocBroker".into()),
                version: None,
                healthy_version: None,
                object_type: Some("Token".into()),
            },
        })
    }

    fn growth(&self, _plan: &HostPlan) -> Growth {
        let paged: u64 = PARTS.iter().filter(|part| part.1 == Paged).map(|part| part.2).sum();
        Growth {
            start_s: LEAK.start_minute() * 60,
            objects_per_hour: LEAK.per_minute.unsigned_abs() * 60,
            bytes_per_day: LEAK.per_minute.unsigned_abs() * 1440 * (TOKEN_BYTES + paged),
        }
    }

    fn apply(&self, moment: &Moment<'_>, picture: &mut Picture) {
        let minute = moment.minute();
        if minute < LEAK.start_minute() {
            return;
        }
        let tokens = LEAK.objects_at(minute).unsigned_abs();
        let created = moment.host_time(LEAK.start_minute() * 60);
        let mut process = processes::planted(PID, created, "docbroker.exe", "DocBroker");
        let handles = tokens + OTHER_HANDLES;
        process.handles = Some(handles as u32);
        process.threads = Some(36);
        process.private_bytes = Some(96 << 20);
        let (paged, nonpaged) = processes::quota(OTHER_HANDLES, false);
        (process.paged_quota, process.nonpaged_quota) =
            (Some(paged + tokens * 16), Some(nonpaged + tokens * 2));
        picture.admit(process, Some(("Token", tokens)));
        picture.add_objects("Token", Paged, tokens, tokens);
        for (tag, pool, unit) in PARTS {
            picture.allocate(PoolTag::new(tag), pool, tokens, unit, 0);
        }
        // A handle table page for every 256 handles.
        picture.allocate(PoolTag::new(*b"Obtb"), Paged, tokens / 256, 4096, 0);
    }

    fn events(&self, _plan: &HostPlan) -> Vec<(When, Entry)> {
        [75, 200].map(|s| (When::AfterLive(s), Entry::PoolEmpty(Paged))).to_vec()
    }
}
