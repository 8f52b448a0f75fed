//! A service leaks access tokens until paged pool, bounded by the commit limit, is empty.

use poolwatch_model::{
    Pool::{self, Nonpaged, Paged},
    PoolTag,
    diagnosis::{SuspectKind, Verdict},
};

use super::cause::{Cause, Description, Growth, Moment, wobble};
use crate::{
    boots::{DAY_S, Reason},
    events::{Entry, When},
    hosts::HostPlan,
    picture::Picture,
    processes,
    truth::Culprit,
};

const PID: u32 = 41_236;
const TOKENS: i64 = 580_000;
const PER_MINUTE: i64 = 150;
/// After the epoch commit holds so many more, then allocations fail.
const MOST: i64 = TOKENS + 6000;
const START_MINUTE: i64 = -TOKENS / PER_MINUTE;
const OTHER_HANDLES: u64 = 310;

/// What a token is made of besides its object: bytes in paged and nonpaged pool.
const PARTS: [([u8; 4], Pool, u64); 3] =
    [(*b"SeTd", Paged, 512), (*b"SeAt", Paged, 288), (*b"SeTl", Nonpaged, 64)];
const TOKEN_BYTES: u64 = 1520;

pub(super) fn starts() -> Vec<(i64, Reason)> {
    vec![(-5 * DAY_S, Reason::Update)]
}

fn leaked(minute: i64) -> u64 {
    if minute < START_MINUTE {
        return 0;
    }
    (TOKENS + PER_MINUTE * minute + wobble(minute, 1200)).clamp(0, MOST).unsigned_abs()
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
            start_s: START_MINUTE * 60,
            objects_per_hour: PER_MINUTE.unsigned_abs() * 60,
            bytes_per_day: PER_MINUTE.unsigned_abs() * 1440 * (TOKEN_BYTES + paged),
        }
    }

    fn apply(&self, moment: &Moment<'_>, picture: &mut Picture) {
        let minute = moment.minute();
        if minute < START_MINUTE {
            return;
        }
        let tokens = leaked(minute);
        let created = moment.host_time(START_MINUTE * 60);
        let mut process = processes::planted(PID, created, "docbroker.exe", "DocBroker");
        let handles = tokens + OTHER_HANDLES;
        process.handles = Some(handles as u32);
        process.threads = Some(36);
        process.private_bytes = Some(96 << 20);
        let (paged, nonpaged) = processes::quota(OTHER_HANDLES, false);
        (process.paged_quota, process.nonpaged_quota) =
            (Some(paged + tokens * 16), Some(nonpaged + tokens * 2));
        picture.admit(process, tokens);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_never_given_back() {
        for minute in -4000..100 {
            assert!(leaked(minute) <= leaked(minute + 1), "{minute}");
        }
    }
}
