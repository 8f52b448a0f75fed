//! A report takes all commit for minutes: event 2004, and neither pool is to blame.

use poolwatch_model::diagnosis::{SuspectKind, Verdict};

use super::cause::{Cause, Description, Growth, Moment};
use crate::{
    boots::{DAY_S, MINUTE_S, Reason},
    events::{Entry, When},
    hosts::HostPlan,
    picture::Picture,
    processes,
    truth::Culprit,
};

const PID: u32 = 42_508;
const BEGINS_S: i64 = -60 * MINUTE_S;
const EVENT_S: i64 = -15 * MINUTE_S;
/// The report is done, and its memory given back.
const ENDS_S: i64 = -9 * MINUTE_S;
const IDLE_BYTES: u64 = 180 << 20;

pub(super) fn starts() -> Vec<(i64, Reason)> {
    vec![(-9 * DAY_S, Reason::Update)]
}

#[derive(Debug)]
pub(super) struct ReportRun;

impl Cause for ReportRun {
    fn describe(&self) -> Option<Description> {
        Some(Description {
            id: "commit",
            verdict: Verdict::CommitExhaustion,
            pool: None,
            tags: Vec::new(),
            culprit: Culprit {
                kind: SuspectKind::Process,
                name: "reportgen.exe".into(),
                service: Some("ReportGen".into()),
                version: None,
                healthy_version: None,
                object_type: None,
            },
        })
    }

    fn growth(&self, _plan: &HostPlan) -> Growth {
        Growth { start_s: BEGINS_S, ..Growth::default() }
    }

    fn apply(&self, moment: &Moment<'_>, picture: &mut Picture) {
        let created = moment.host_time(moment.boot.start_s + 300);
        let mut process = processes::planted(PID, created, "reportgen.exe", "ReportGen");
        let (paged, nonpaged) = processes::quota(640, false);
        process.handles = Some(640);
        process.threads = Some(22);
        (process.paged_quota, process.nonpaged_quota) = (Some(paged), Some(nonpaged));
        let full = (moment.plan.ram + moment.plan.page_file) / 100 * 60;
        let bytes = if (BEGINS_S..ENDS_S).contains(&moment.own_s) {
            let done = (moment.own_s - BEGINS_S).min(EVENT_S - BEGINS_S).unsigned_abs();
            IDLE_BYTES + full * done / (EVENT_S - BEGINS_S).unsigned_abs()
        } else {
            IDLE_BYTES
        };
        process.private_bytes = Some(bytes / 4096 * 4096);
        picture.admit(process, None);
    }

    fn events(&self, _plan: &HostPlan) -> Vec<(When, Entry)> {
        vec![(When::Own(EVENT_S), Entry::CommitExhausted)]
    }
}
