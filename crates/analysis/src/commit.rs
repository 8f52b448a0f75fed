//! Commit that will run out: told before event 2004 is.

use std::cmp::Reverse;

use poolwatch_model::{
    Bytes,
    diagnosis::{Diagnosis, Evidence, Measure, Suspect, SuspectKind, Verdict},
};

use crate::{
    case::{self, CaseFile},
    programs,
    rise::{self, Rise},
};

/// Less growth, as a share of the limit, is the usual coming and going of programs.
const NOTABLE: f64 = 0.1;
/// Told when it is expected to run out within this many hours.
const WITHIN_H: f64 = 24.0;
/// The share of the growth that one program must explain to be named.
const EXPLAINS: f64 = 0.6;

/// Commit that rises steadily and reaches its limit within a day. What grows in the pools is charged
/// to commit as well: when that explains half of it, it is not commit's own story.
#[must_use]
pub fn running_out(case: &CaseFile) -> Option<Diagnosis> {
    let limit = case.memory.commit_limit.filter(|limit| limit.0 > 0)?;
    let (rise, left_s) = rise::steady(case, &case.committed)
        .into_iter()
        .filter(|rise| rise.grown as f64 >= NOTABLE * limit.0 as f64)
        .find_map(|rise| {
            let hours = limit.0.saturating_sub(rise.last) as f64 / rise.per_hour.slope;
            (hours < WITHIN_H).then_some((rise, (hours * 3600.0) as u64))
        })?;
    let of_pools: u64 = case.pools.iter().map(|pool| case::growth(pool, rise.from, rise.to)).sum();
    if of_pools >= rise.grown / 2 {
        return None;
    }
    let committed = Bytes(case::last(&case.committed)?);
    let per_day = Bytes((rise.per_hour.slope * 24.0) as u64);
    let evidence = vec![
        Evidence::CommitTrend { per_day, over_s: rise.over_s, left_s },
        Evidence::CommitUse { committed, limit },
    ];
    Some(Diagnosis {
        verdict: Verdict::CommitExhaustion,
        suspects: holder(case, &rise).into_iter().collect(),
        evidence,
        ..Diagnosis::default()
    })
}

/// The program whose private memory grew by most of it.
fn holder(case: &CaseFile, rise: &Rise) -> Option<Suspect> {
    let gained = |values: &[u64]| case::growth(values, rise.from, rise.to);
    let process = case
        .processes
        .iter()
        .filter(|process| !process.image.is_empty() && !programs::is_vital(&process.image))
        .min_by_key(|process| Reverse(gained(&process.private_bytes)))?;
    let (grown, image) = (gained(&process.private_bytes), process.image.clone());
    let share = grown as f64 / rise.grown as f64;
    (share >= EXPLAINS).then(|| Suspect {
        kind: SuspectKind::Process,
        name: Some(image.clone()),
        services: process.services.clone(),
        confidence: 0.75,
        evidence: vec![Evidence::ProcessGrowth {
            image,
            pid: process.key.pid,
            measure: Measure::PrivateBytes,
            grown,
            over_s: rise.over_s,
        }],
        ..Suspect::default()
    })
}
