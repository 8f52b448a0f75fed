//! Handles to one type of kernel objects that grow for days without any one program that holds them.

use poolwatch_model::{
    Pool, PoolTag,
    diagnosis::{Diagnosis, TagFinding, Verdict},
    history::ObjectTypeSeries,
};

use crate::{
    case::{self, CaseFile},
    holders, object_types, rise,
    span::Span,
    suspects,
    tag_list::list_tag,
};

/// Handles that all programs together gained: less is the usual coming and going of a large host.
const GROWN: u64 = 20_000;
/// Handles that rose for a shorter time, three days but for some hours, may be work that is not done.
const LONG_S: u64 = 66 * 3600;
/// Nor is less than this part of what there is: a large host breathes by as much.
const GROWN_PART: u64 = 3;
/// Processes that grew by more than this part explain the rise: more of them hold more of everything.
const MORE_PROCESSES: u64 = 10;

/// Types whose handles rose for days while neither one program nor a growing number of processes
/// explains them. `known` are the diagnoses that there are already: what they tell is not told again.
#[must_use]
pub fn object_leaks(case: &CaseFile, known: &[Diagnosis]) -> Vec<Diagnosis> {
    let is_told = |tag: PoolTag| {
        let leaks = known.iter().flat_map(|one| &one.tags);
        leaks.filter(|one| one.finding == TagFinding::Leaks).any(|one| one.tag == tag)
    };
    let types = case.object_types.iter();
    types
        .filter_map(|series| Some((series, holders::tag_of(&series.name)?)))
        .filter(|(_, tag)| !is_told(*tag))
        .filter_map(|(series, tag)| leak(case, series, tag))
        .collect()
}

fn leak(case: &CaseFile, series: &ObjectTypeSeries, tag: PoolTag) -> Option<Diagnosis> {
    let rise = rise::steady_rises(case, &series.handles)
        .into_iter()
        .filter(|rise| rise.over_s >= LONG_S && rise.grown >= GROWN.max(rise.last / GROWN_PART))
        .max_by_key(|rise| rise.grown)?;
    let span = Span { from: rise.from, to: rise.to, over_s: rise.over_s };
    let (before, now) = case::ends(&case.live_processes, span.from, span.to)?;
    if now.saturating_sub(before) > before / MORE_PROCESSES {
        return None;
    }
    let holders = suspects::of_nobody(case, tag, rise.grown, span)?;
    let of_tag = Pool::ALL.into_iter().filter_map(|pool| case.tag(tag, pool));
    let counted = of_tag.max_by_key(|series| case::last(&series.outstanding))?;
    let mut nobody = suspects::unknown_owner(&[tag]);
    nobody.evidence.push(holders);
    Some(Diagnosis {
        verdict: Verdict::Leak,
        pool: Some(counted.pool),
        suspects: vec![nobody],
        evidence: object_types::type_growth(case, tag, span).into_iter().collect(),
        tags: vec![list_tag(counted, TagFinding::Leaks, None)],
        ..Diagnosis::default()
    })
}
