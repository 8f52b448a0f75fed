//! Both pools of one host over time, with their limits and what happened meanwhile.

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{
    HostId, Pool,
    comparison::{Attribute, Change, ChangeKind},
    event::EventKind,
    series::{Break, Series},
};
use poolwatch_store::{
    StoreError,
    events::{self, EventFilter},
    inventories, read,
};
use poolwatch_web::{
    host::{ChartHours, Limit, Limits, Mark, MarkKind, PoolsChart},
    hosts::HostSource,
    words,
};
use sqlx::PgConnection;

use crate::{fleet::view::HostSummary, pages::presence};

/// Events that are looked at, the latest.
const EVENTS: i64 = 500;
/// Changes of drivers that are looked at, the latest.
const CHANGES: i64 = 1000;

/// Loads what the charts draw.
pub(super) async fn load(
    db: &mut PgConnection,
    summary: &HostSummary,
    hours: ChartHours,
    interval_s: u32,
    now: Timestamp,
) -> Result<PoolsChart, StoreError> {
    let step_s = step(hours).max(interval_s);
    let (from, to) = range(summary.at, hours, step_s, now);
    let id = summary.host.id;
    let mut series = read::pools(db, id, from, to, step_s).await?;
    let limit = |pool| summary.ceiling(pool).map(Limit::from);
    let limits = Limits { nonpaged: limit(Pool::Nonpaged), paged: limit(Pool::Paged) };
    let mut marks = event_marks(db, id, from, to, step_s).await?;
    marks.extend(driver_marks(db, id, from, to).await?);
    match presence::source(summary) {
        HostSource::Agent => marks.extend(reboot_marks(&series.nonpaged)),
        // Every import counts as a boot of its own: that is no restart.
        HostSource::Imported => {
            series.nonpaged.breaks.clear();
            series.paged.breaks.clear();
        }
    }
    marks.sort_by_key(|mark| mark.t);
    Ok(PoolsChart::new((from, to), &series.nonpaged, &series.paged, limits, marks))
}

/// Seconds per point: some 300 to 400 points whatever the range.
pub(super) fn step(hours: ChartHours) -> u32 {
    match hours {
        ChartHours::One => 60,
        ChartHours::Six => 60,
        ChartHours::Day => 300,
        ChartHours::Week => 1_800,
        ChartHours::Month => 7_200,
        ChartHours::Quarter => 21_600,
        ChartHours::Year | ChartHours::TwoYears => 86_400,
    }
}

/// The range ends now, or at the latest snapshot when that is older than the whole range.
pub(super) fn range(
    latest: Option<Timestamp>,
    hours: ChartHours,
    step_s: u32,
    now: Timestamp,
) -> (Timestamp, Timestamp) {
    let length = SignedDuration::from_hours(i64::from(hours.hours()));
    let before = |end: Timestamp| end.saturating_sub(length).unwrap_or(Timestamp::MIN);
    match latest.filter(|latest| *latest < before(now)) {
        Some(latest) => {
            let step = SignedDuration::from_secs(step_s.into());
            let end = latest.saturating_add(step).unwrap_or(latest);
            (before(end), end)
        }
        None => (before(now), now),
    }
}

/// Events of the range that bear on pool; of many alike within one step, the first.
pub(super) async fn event_marks(
    db: &mut PgConnection,
    host: HostId,
    from: Timestamp,
    to: Timestamp,
    step_s: u32,
) -> Result<Vec<Mark>, StoreError> {
    let filter = EventFilter { host: Some(host), since: Some(from), ..EventFilter::default() };
    let found = events::list(db, &filter, EVENTS, 0).await?;
    let mut marks: Vec<Mark> = Vec::new();
    for event in found.into_iter().rev().map(|found| found.event) {
        // Restarts are told by the frames themselves.
        let bears = !matches!(event.kind(), EventKind::Restart | EventKind::Other);
        let label = format!("{}: {}", event.event_id, words::event_meaning(&event).1);
        let t = event.time.as_second();
        let told = marks
            .iter()
            .rev()
            .take_while(|mark| t - mark.t < i64::from(step_s))
            .any(|mark| mark.label == label);
        if bears && !told && event.time <= to {
            marks.push(Mark { t, kind: MarkKind::Event, label });
        }
    }
    Ok(marks)
}

/// Drivers that came, or came in another version; of many at a time, how many.
pub(super) async fn driver_marks(
    db: &mut PgConnection,
    host: HostId,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Mark>, StoreError> {
    let changes = inventories::changes_of(db, host, from, CHANGES).await?;
    let shown: Vec<&Change> = changes
        .iter()
        .filter(|change| change.kind != ChangeKind::Removed && change.at <= to)
        .collect();
    let marks = shown.chunk_by(|one, next| one.at == next.at).map(|changes| Mark {
        t: changes[0].at.as_second(),
        kind: MarkKind::Driver,
        label: match changes {
            [change] => driver_change(change),
            many => format!("{} drivers", many.len()),
        },
    });
    Ok(marks.collect())
}

/// `foo.sys 5.0 → 5.1`.
pub(super) fn driver_change(change: &Change) -> String {
    let Attribute::Driver { name, version } = &change.attribute else { return String::new() };
    match (&change.before, version) {
        (Some(before), Some(after)) => format!("{name} {before} → {after}"),
        (None, Some(version)) => format!("{name} {version}"),
        _ => name.clone(),
    }
}

pub(super) fn reboot_marks(series: &Series) -> impl Iterator<Item = Mark> {
    series.breaks.iter().filter(|(_, why)| matches!(why, Break::Reboot { .. })).map(|(at, why)| {
        Mark {
            t: at.as_second(),
            kind: MarkKind::Reboot,
            label: words::series_break(why).to_owned(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_data_move_the_range_and_fresh_data_do_not() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let now = at(1_800_000_000);
        let range = |latest| range(latest, ChartHours::Day, 300, now);
        assert_eq!(range(None), (at(1_799_913_600), now));
        assert_eq!(range(Some(at(1_799_990_000))).1, now);
        let (from, to) = range(Some(at(1_700_000_000)));
        assert_eq!((from, to), (at(1_699_913_900), at(1_700_000_300)));
    }
}
