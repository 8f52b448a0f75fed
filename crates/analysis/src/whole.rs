//! Whether a picture is whole: only of a whole one may be said that no leak shows in it.

use poolwatch_model::{Bytes, Pool, diagnosis::Evidence};

use crate::case::{self, CaseFile};

/// More moments than this are a run, of which screening saw every tag.
pub const FEW: usize = 24;
/// Tags explain a pool when they hold this share of it at least,
const EXPLAINED: f64 = 0.25;
/// and what they leave is less than this share of the memory, or than so many bytes where that is not
/// known: Windows keeps lookaside lists and half-empty pages.
const LEFT_OF_MEMORY: f64 = 0.06;
const LEFT: u64 = 1 << 30;
/// Tags that are not most of their pool may be what is left of a list: what they leave must not hide a
/// leak, however much memory there is.
const MOST: f64 = 0.75;
const LEFT_BY_FEW: u64 = 768 << 20;
/// From this share of the memory on a pool is large, whatever it holds; where the memory is not known,
/// from so many bytes on.
const LARGE_OF_MEMORY: f64 = 0.25;
const LARGE: u64 = 8 << 30;

/// Whether a case is one picture or a few, or of totals alone, and no run of which tags are known.
pub(crate) fn is_picture(case: &CaseFile) -> bool {
    case.axis.len() <= FEW || case.tags.is_empty()
}

/// What a picture lacks to be whole: totals that are not told, and pools that its tags do not explain.
/// Of a run only the totals are asked for.
pub(crate) fn gaps(case: &CaseFile) -> Vec<Evidence> {
    let of_pool = |pool: Pool| {
        let Some(used) = case.memory.of(pool) else {
            return Some(Evidence::PoolTotalUnknown { pool });
        };
        let is_explained = !is_picture(case) || is_explained(case, pool, used);
        (!is_explained).then(|| Evidence::TagsExplain {
            pool,
            explained: explained(case, pool),
            used,
        })
    };
    let torn = case.is_torn.then_some(Evidence::TornTable);
    Pool::ALL.into_iter().filter_map(of_pool).chain(torn).collect()
}

/// How much of each pool the tags explain, as facts.
pub(crate) fn shares(case: &CaseFile) -> impl Iterator<Item = Evidence> {
    Pool::ALL.into_iter().filter_map(|pool| {
        let explained = explained(case, pool);
        let used = case.memory.of(pool)?;
        (explained.0 > 0).then_some(Evidence::TagsExplain { pool, explained, used })
    })
}

/// Bytes of the tags of a pool that are listed.
pub(crate) fn explained(case: &CaseFile, pool: Pool) -> Bytes {
    let of_pool = case.tags.iter().filter(|series| series.pool == pool);
    let bytes = of_pool.filter_map(|series| case::last(&series.bytes));
    Bytes(bytes.fold(0, u64::saturating_add))
}

fn is_explained(case: &CaseFile, pool: Pool, used: Bytes) -> bool {
    let explained = explained(case, pool);
    let left = used.0.saturating_sub(explained.0);
    let most = case.memory.physical.map_or(LEFT, |all| (LEFT_OF_MEMORY * all.0 as f64) as u64);
    let share = explained.share_of(used);
    let most = if share < MOST { most.min(LEFT_BY_FEW) } else { most };
    share >= EXPLAINED && left <= most
}

/// Whether so many bytes are much of the memory.
pub(crate) fn is_large(case: &CaseFile, bytes: u64) -> bool {
    let whole = case.memory.physical.filter(|all| all.0 > 0);
    whole.map_or(bytes >= LARGE, |all| Bytes(bytes).share_of(all) >= LARGE_OF_MEMORY)
}
