//! What programs did over time, of those that did most.

use std::collections::BTreeMap;

use poolwatch_model::{
    Snapshot,
    history::{MISSING, ProgramSeries, WantedSeries},
};

use super::look::Looked;

/// The series of the programs with the most operations, by name.
pub(super) fn choose(
    parts: &[Looked],
    latest: Option<&Snapshot>,
    wanted: &WantedSeries,
    moments: usize,
) -> Vec<ProgramSeries> {
    let mut totals: BTreeMap<&str, u64> = BTreeMap::new();
    let latest = latest.filter(|latest| !latest.activity.is_empty());
    let of_latest = latest.map(Snapshot::operations_by_program).unwrap_or_default();
    let known = told(parts).map(|(image, _, count)| (image, count));
    for (image, count) in known.chain(of_latest.iter().map(|(image, count)| (*image, *count))) {
        let total = totals.entry(image).or_default();
        *total = total.saturating_add(count);
    }
    let counts: Vec<u64> = totals.values().copied().collect();
    let names: Vec<&str> = totals.into_keys().collect();
    let chosen = wanted.choose_programs(&counts);
    // Who is not among the active ones did nothing.
    let mut idle = vec![MISSING; moments];
    told(parts).for_each(|(_, at, _)| idle[at] = 0);
    let mut series: BTreeMap<&str, Vec<u64>> =
        chosen.into_iter().map(|at| (names[at], idle.clone())).collect();
    for (image, at, count) in told(parts) {
        series.get_mut(image).into_iter().for_each(|operations| operations[at] = count);
    }
    if let (Some(_), Some(last)) = (latest, moments.checked_sub(1)) {
        for (image, operations) in &mut series {
            operations[last] = of_latest.get(image).copied().unwrap_or(0);
        }
    }
    let named = |(image, operations): (&str, Vec<u64>)| ProgramSeries {
        image: image.to_owned(),
        operations,
    };
    series.into_iter().map(named).collect()
}

/// What is told of programs: which, at which moment, and how much.
fn told(parts: &[Looked]) -> impl Iterator<Item = (&str, usize, u64)> {
    parts.iter().flat_map(|looked| {
        looked.programs.iter().flat_map(|(image, [operations])| {
            let of_moment =
                move |(group, at): (usize, usize)| (image.as_str(), at, operations[group]);
            looked.part.places().map(of_moment).filter(|(_, _, count)| *count != MISSING)
        })
    })
}
