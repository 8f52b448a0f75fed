//! What became of a host's figures over any period, at a fitting resolution: from days and hours
//! where there are chunks, from frames where there are none yet.

mod assemble;
mod fleet;
mod history;
mod past;
mod piece;
mod pieces;
mod place;
mod stored;
mod whole;

pub use fleet::{BlockThen, FleetThen, HostThen, block_at, fleet_at, tag_over_hosts};
pub use history::host_history;
use jiff::{SignedDuration, Timestamp};
pub use past::{Past, TagsThen, Taken, last_point, last_taken, state_at, tags_at};
use poolwatch_model::{HostId, Pool, PoolTag, process::ProcessKey, series::Series};
use sqlx::PgConnection;

use crate::{
    Result, boots,
    frames::{self, PoolSeries},
    time_grid::STEP_S,
};

/// What a series is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Figure {
    /// Use of a pool, bytes.
    PoolUse(Pool),
    /// Commit charge, bytes.
    Committed,
    /// Commit limit, bytes.
    CommitLimit,
    /// Physical memory available, bytes.
    Available,
    /// Open handles of all processes.
    Handles,
    /// Threads of all processes.
    Threads,
    /// Objects of a kernel object type, by its name.
    TypeObjects(String),
    /// Handles that lead to objects of a kernel object type, by its name.
    TypeHandles(String),
    /// Bytes outstanding of a tag.
    TagBytes(PoolTag, Pool),
    /// Outstanding allocations of a tag.
    TagOutstanding(PoolTag, Pool),
    /// Allocations of a tag since the first point, whatever wraps in between; breaks start it anew.
    TagAllocs(PoolTag, Pool),
    /// Open handles of a process.
    ProcessHandles(ProcessKey),
    /// Threads of a process.
    ProcessThreads(ProcessKey),
    /// Private bytes of a process.
    ProcessPrivateBytes(ProcessKey),
}

/// Steps that there are, seconds: finer ones cost a reading of all frames.
const STEPS_S: [u32; 7] = [60, STEP_S, 1800, 3600, 7200, 21_600, 86_400];
/// The longest period that is read from frames for a step finer than chunks have.
const FINE: SignedDuration = SignedDuration::from_hours(6);

/// The step that gives a period at most `points` points.
#[must_use]
pub fn fitting_step_s(from: Timestamp, to: Timestamp, points: u32) -> u32 {
    let period = to.duration_since(from);
    let wanted = period.as_secs() / i64::from(points.max(1));
    let fine = period <= FINE;
    let fits = |step: &u32| i64::from(*step) >= wanted && (fine || *step >= 600);
    STEPS_S.into_iter().find(fits).unwrap_or(86_400)
}

/// Figures of a host over a period, one series each, in points of `step_s` seconds (of
/// [`fitting_step_s`]). A reboot, a gap and an interval without data are told apart from zeros; a
/// step finer than what is kept gives the resolution that there is.
///
/// # Errors
/// When the database fails or holds something else than chunks.
pub async fn series(
    db: &mut PgConnection,
    host: HostId,
    figures: &[Figure],
    from: Timestamp,
    to: Timestamp,
    step_s: u32,
) -> Result<Vec<Series>> {
    let pieces = pieces::load_pieces(db, host, figures, from, to, step_s).await?;
    let boots = boots::ids(db, host).await?;
    Ok((0..figures.len())
        .map(|at| assemble::series(&pieces, at, &figures[at], (from, to), step_s, &boots))
        .collect())
}

/// The use of both pools of a host over a period. What is finer than chunks is read from the totals
/// beside the frames, as long as these are kept from the beginning of the period on; else the series
/// tell the step that there is.
///
/// # Errors
/// When the database fails or holds something else than chunks.
pub async fn pools(
    db: &mut PgConnection,
    host: HostId,
    from: Timestamp,
    to: Timestamp,
    step_s: u32,
) -> Result<PoolSeries> {
    let begin = |pools: &PoolSeries| {
        [&pools.paged, &pools.nonpaged].iter().filter_map(|one| Some(one.points.first()?.at)).min()
    };
    let mut fine = None;
    if step_s < STEP_S {
        let pools = frames::pool_series(db, host, from, to, step_s).await?;
        if begin(&pools).is_some_and(|first| first.duration_since(from) <= HOUR) {
            return Ok(pools);
        }
        fine = Some(pools);
    }
    let figures = [Figure::PoolUse(Pool::Paged), Figure::PoolUse(Pool::Nonpaged)];
    let mut series = series(db, host, &figures, from, to, step_s.max(STEP_S)).await?.into_iter();
    let mut next = || series.next().unwrap_or(Series { step_s, points: vec![], breaks: vec![] });
    let coarse = PoolSeries { paged: next(), nonpaged: next() };
    // A host that is new has no more in its chunks than in its frames.
    let reaches_back = |fine: &PoolSeries| match (begin(&coarse), begin(fine)) {
        (Some(coarse), Some(fine)) => fine.duration_since(coarse) > HOUR,
        (coarse, _) => coarse.is_some(),
    };
    Ok(match fine {
        Some(fine) if !reaches_back(&fine) => fine,
        _ => coarse,
    })
}

/// Frames that begin no later than this cover a period.
const HOUR: SignedDuration = SignedDuration::from_hours(1);
