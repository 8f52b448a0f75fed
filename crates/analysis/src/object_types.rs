//! The kernel's own count of its objects by type: what tells whether a tag's objects have handles.

use poolwatch_model::{PoolTag, diagnosis::Evidence, history::ObjectTypeSeries};

use crate::{
    case::{self, CaseFile},
    holders,
    span::Span,
};

/// Objects and handles of the type that a tag counts that were gained, where the kernel's count is
/// known.
#[must_use]
pub(crate) fn objects_and_handles_gained(
    case: &CaseFile,
    tag: PoolTag,
    span: Span,
) -> Option<(u64, u64)> {
    let series = series_of_tag(case, tag)?;
    let gained = |values: &[u64]| {
        let (first, last) = case::ends(values, span.from, span.to)?;
        Some(last.saturating_sub(first))
    };
    Some((gained(&series.objects)?, gained(&series.handles)?))
}

/// The growth of the type that a tag counts, as a fact.
#[must_use]
pub(crate) fn type_growth(case: &CaseFile, tag: PoolTag, span: Span) -> Option<Evidence> {
    let (objects, handles) = objects_and_handles_gained(case, tag, span)?;
    let name = series_of_tag(case, tag)?.name.clone();
    (objects > 0).then_some(Evidence::ObjectTypeGrowth {
        name,
        objects,
        handles,
        over_s: span.over_s,
    })
}

fn series_of_tag(case: &CaseFile, tag: PoolTag) -> Option<&ObjectTypeSeries> {
    let name = holders::object_type(tag)?;
    case.object_types.iter().find(|series| series.name == name)
}
