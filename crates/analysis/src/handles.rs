//! Handles that a program gains day after day, though their objects are too small to fill a pool.

use poolwatch_model::diagnosis::{Diagnosis, Evidence, Suspect, TagFinding, Verdict};
use poolwatch_model::history::{ProcessSeries, TagSeries};

use crate::{case::CaseFile, facts, release, rise, span::Span, suspects, tag_list::list_tag};

/// Fewer handles harm nobody.
pub const MANY: u64 = 10_000;
/// Less growth is the usual coming and going.
const GROWN: u64 = 5_000;
/// Nor is less than this part of what it holds: a busy program breathes by as much.
const GROWN_PART: u64 = 3;
/// Handles that rose for a shorter time may be work that is not done yet.
const LONG_S: u64 = 2 * 24 * 3600;
/// Objects of a tag that are fewer than this part of the handles are no more than their company.
const OF_HANDLES: u64 = 4;
/// How sure it must be that these handles are those objects.
const SURE: f32 = 0.85;

/// Programs that leak handles, each with the objects that they hold. `known` are the diagnoses that
/// there are already: what they tell is not told again.
#[must_use]
pub fn handle_leaks(case: &CaseFile, known: &[Diagnosis]) -> Vec<Diagnosis> {
    let is_told = |image: &str| {
        let mut suspects = known.iter().flat_map(|one| &one.suspects);
        suspects.any(|one| one.name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(image)))
    };
    case.processes.iter().filter(|p| !is_told(&p.image)).filter_map(|p| leak(case, p)).collect()
}

fn leak(case: &CaseFile, process: &ProcessSeries) -> Option<Diagnosis> {
    if crate::case::last(&process.handles)? < MANY {
        return None;
    }
    let rise = rise::steady_rises(case, &process.handles)
        .into_iter()
        .filter(|rise| rise.over_s >= LONG_S && rise.grown >= GROWN.max(rise.last / GROWN_PART))
        .max_by_key(|rise| rise.grown)?;
    let span = Span { from: rise.from, to: rise.to, over_s: rise.over_s };
    let of_objects = case.tags.iter().filter(|series| facts::tag_facts(series.tag).objects);
    let (series, objects, mut suspect) = of_objects
        .filter_map(|series| held(case, series, process, span))
        .filter(|(_, objects, _)| objects.saturating_mul(OF_HANDLES) >= rise.grown)
        .max_by(|a, b| a.2.confidence.total_cmp(&b.2.confidence))?;
    let (tag, pool) = (series.tag, series.pool);
    release::weigh_evidence(case, pool, std::slice::from_mut(&mut suspect));
    Some(Diagnosis {
        verdict: Verdict::Leak,
        pool: Some(pool),
        suspects: vec![suspect],
        evidence: vec![Evidence::ObjectGrowth { tag, pool, grown: objects, over_s: rise.over_s }],
        tags: vec![list_tag(series, TagFinding::Leaks, None)],
        ..Diagnosis::default()
    })
}

/// The objects of a tag, when it is this process that holds what they gained.
fn held<'a>(
    case: &CaseFile,
    series: &'a TagSeries,
    process: &ProcessSeries,
    span: Span,
) -> Option<(&'a TagSeries, u64, Suspect)> {
    let objects = crate::case::growth(&series.outstanding, span.from, span.to);
    let found = suspects::holders_of(case, series, objects, span);
    let [suspect] = <[Suspect; 1]>::try_from(found).ok()?;
    let is_it = suspect.confidence >= SURE && suspect.name.as_ref() == Some(&process.image);
    is_it.then_some((series, objects, suspect))
}
