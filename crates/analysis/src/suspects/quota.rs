//! Pool that is charged to processes: a weak hint, since few allocations are charged, and evidence
//! against somebody whom something else accuses.

use poolwatch_model::{
    Bytes,
    diagnosis::{Evidence, Suspect, SuspectKind},
    history::{ProcessSeries, TagSeries},
};

use crate::{
    case::{self, CaseFile},
    facts, lockstep, programs,
    span::Span,
};

/// A hint, below what counts as named.
const HINT: f32 = 0.35;
/// The share of a tag's growth that must be charged to be a hint, and how far the ways may lie apart.
const LEAST_SHARE: f64 = 0.6;
const MOST_SHARE: f64 = 1.3;
const APART: f64 = 0.1;
/// From this part of the growth on a charge is worth a word beside another accusation.
const WORTH_A_WORD: u64 = 4;

/// The one program to which what a tag gained was charged, if there is one.
pub(super) fn hint(case: &CaseFile, series: &TagSeries, span: Span) -> Option<Suspect> {
    if facts::tag_facts(series.tag).objects {
        return None;
    }
    let grown = case::growth(&series.bytes, span.from, span.to);
    let mut charged = case.processes.iter().filter(|process| {
        let quota = process.quota(series.pool);
        let share = case::growth(quota, span.from, span.to) as f64 / grown.max(1) as f64;
        let apart = || lockstep::greatest_distance(&series.bytes, quota, span.from, span.to);
        !process.image.is_empty()
            && !programs::is_kernel(process)
            && !programs::is_vital(&process.image)
            && (LEAST_SHARE..=MOST_SHARE).contains(&share)
            && apart().is_some_and(|apart| apart < APART)
    });
    let process = charged.next().filter(|_| charged.next().is_none())?;
    Some(Suspect {
        kind: SuspectKind::Process,
        name: Some(process.image.clone()),
        services: process.services.clone(),
        tags: vec![series.tag],
        confidence: HINT,
        evidence: vec![fact(process, series, span)],
        ..Suspect::default()
    })
}

/// What was charged to a suspected program while the tag grew, where that is worth a word.
pub(super) fn corroborate(case: &CaseFile, series: &TagSeries, span: Span, suspect: &mut Suspect) {
    let grown = case::growth(&series.bytes, span.from, span.to);
    let gained =
        |process: &&ProcessSeries| case::growth(process.quota(series.pool), span.from, span.to);
    let of_name = |process: &&ProcessSeries| suspect.name.as_ref() == Some(&process.image);
    let most = case.processes.iter().filter(of_name).max_by_key(gained);
    if let Some(process) =
        most.filter(|process| gained(process) >= grown / WORTH_A_WORD && grown > 0)
    {
        suspect.evidence.push(fact(process, series, span));
    }
}

fn fact(process: &ProcessSeries, series: &TagSeries, span: Span) -> Evidence {
    let quota = process.quota(series.pool);
    Evidence::QuotaCharge {
        image: process.image.clone(),
        pid: process.key.pid,
        pool: series.pool,
        bytes: Bytes(case::ends(quota, span.from, span.to).map_or(0, |(_, last)| last)),
    }
}
