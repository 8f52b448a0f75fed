//! What the charts of a host draw: `GET /hosts/{id}/pools.json?hours=24`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use poolwatch_model::{
    Bytes, Pool,
    diagnosis::TimeLeft,
    memory::{Ceiling, CeilingSource},
    series::{Point, Series},
};
use serde::Serialize;

/// Both pools of a host over time, in columns of one length.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PoolsChart {
    /// First second that was asked for (Unix time).
    pub from: i64,
    /// Last second that was asked for.
    pub to: i64,
    /// Interval that each point stands for, seconds.
    pub step_s: u32,
    /// Unix seconds, ascending.
    pub t: Vec<i64>,
    /// Nonpaged pool, bytes.
    pub nonpaged: PoolValues,
    /// Paged pool, bytes.
    pub paged: PoolValues,
    /// Limits of both.
    pub limits: Limits,
    /// What happened meanwhile.
    pub marks: Vec<Mark>,
    /// Where it goes if growth goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub projection: Option<Projection>,
}

/// Where the use of a pool goes if growth goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Projection {
    /// Which pool.
    pub pool: Pool,
    /// The latest point, Unix seconds.
    pub at: i64,
    /// Bytes then.
    pub bytes: u64,
    /// How far it is drawn, Unix seconds.
    pub until: i64,
    /// Bytes at `until` by the flattest slope that the data allow.
    pub least: u64,
    /// By the slope.
    pub likely: u64,
    /// By the steepest.
    pub most: u64,
}

/// Values at each `t`, `null` where the line breaks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PoolValues {
    /// Least.
    pub min: Vec<Option<u64>>,
    /// Mean.
    pub mean: Vec<Option<u64>>,
    /// Greatest.
    pub max: Vec<Option<u64>>,
}

/// Limits of both pools.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Of nonpaged pool.
    pub nonpaged: Option<Limit>,
    /// Of paged pool.
    pub paged: Option<Limit>,
}

/// A limit line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Limit {
    /// Where it lies.
    pub bytes: u64,
    /// How it is known: `measured` or `documented`.
    pub source: CeilingSource,
}

impl From<Ceiling> for Limit {
    fn from(ceiling: Ceiling) -> Self {
        Self { bytes: ceiling.bytes.0, source: ceiling.source }
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mark {
    /// When, Unix seconds.
    pub t: i64,
    /// What kind of thing.
    pub kind: MarkKind,
    /// What, in a few words.
    pub label: String,
}

/// Kinds of marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MarkKind {
    /// An event of the host.
    Event,
    /// The host restarted.
    Reboot,
    /// A driver came, or came in another version.
    Driver,
}

impl Projection {
    /// From the latest point on, until the pool is likely used up, but not much further than the
    /// chart looks back (`range_s`). None where nothing is left or nothing grows.
    #[must_use]
    pub fn new(
        left: &TimeLeft,
        headroom: Bytes,
        (at, bytes): (i64, u64),
        range_s: i64,
    ) -> Option<Self> {
        let likely_s = i64::try_from(left.likely_s).unwrap_or(i64::MAX);
        let ahead = likely_s.saturating_add(likely_s / 4).clamp(range_s / 12, range_s / 3);
        if left.likely_s == 0 || left.least_s == 0 || ahead <= 0 {
            return None;
        }
        let after = |whole_s: u64| {
            let grown = u128::from(headroom.0) * u128::from(ahead.unsigned_abs());
            bytes.saturating_add(u64::try_from(grown / u128::from(whole_s)).unwrap_or(u64::MAX))
        };
        Some(Self {
            pool: left.pool,
            at,
            bytes,
            until: at + ahead,
            least: left.most_s.filter(|most| *most > 0).map_or(bytes, after),
            likely: after(left.likely_s),
            most: after(left.least_s),
        })
    }
}

impl PoolsChart {
    /// Puts both series on one time axis. Lines break at every break of either series and wherever
    /// more than two intervals are missing.
    #[must_use]
    pub fn new(
        (from, to): (Timestamp, Timestamp),
        nonpaged: &Series,
        paged: &Series,
        limits: Limits,
        marks: Vec<Mark>,
    ) -> Self {
        let step_s = nonpaged.step_s.max(paged.step_s).max(1);
        let mut rows: BTreeMap<i64, [Option<&Point>; 2]> = BTreeMap::new();
        for (column, series) in [nonpaged, paged].into_iter().enumerate() {
            for point in &series.points {
                rows.entry(point.at.as_second()).or_default()[column] = Some(point);
            }
        }
        for at in line_breaks(&rows, &[nonpaged, paged], step_s) {
            rows.entry(at).or_default();
        }

        let mut chart = Self {
            from: from.as_second(),
            to: to.as_second(),
            step_s,
            t: Vec::with_capacity(rows.len()),
            nonpaged: PoolValues::default(),
            paged: PoolValues::default(),
            limits,
            marks,
            projection: None,
        };
        for (t, [nonpaged, paged]) in rows {
            chart.t.push(t);
            chart.nonpaged.push(nonpaged);
            chart.paged.push(paged);
        }
        chart
    }
}

impl PoolsChart {
    /// Draws where a pool goes if growth goes on, from its latest point.
    pub fn project(&mut self, left: &TimeLeft, headroom: Bytes) {
        let values = match left.pool {
            Pool::Nonpaged => &self.nonpaged.mean,
            Pool::Paged => &self.paged.mean,
        };
        let latest = self.t.iter().zip(values).rev().find_map(|(t, value)| Some((*t, (*value)?)));
        self.projection =
            latest.and_then(|latest| Projection::new(left, headroom, latest, self.to - self.from));
    }
}

impl PoolValues {
    fn push(&mut self, point: Option<&Point>) {
        self.min.push(point.map(|point| point.min));
        self.mean.push(point.map(|point| point.mean));
        self.max.push(point.map(|point| point.max));
    }
}

/// Seconds at which a row without values breaks the lines: just before what follows the break.
pub(super) fn line_breaks<R>(
    rows: &BTreeMap<i64, R>,
    series: &[&Series],
    step_s: u32,
) -> BTreeSet<i64> {
    let told = series.iter().flat_map(|series| &series.breaks).map(|(at, _)| at.as_second());
    let missing = rows
        .keys()
        .zip(rows.keys().skip(1))
        .filter(|(before, after)| *after - *before > 2 * i64::from(step_s))
        .map(|(_, after)| *after);
    told.chain(missing).map(|at| at - 1).filter(|at| !rows.contains_key(at)).collect()
}

#[cfg(test)]
mod tests {
    use poolwatch_model::{BootId, series::Break};

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn series(values: &[(i64, u64)], breaks: &[i64]) -> Series {
        let boot = BootId(uuid::Uuid::nil());
        Series {
            step_s: 60,
            points: values
                .iter()
                .map(|&(t, v)| Point { at: at(t), min: v - 1, mean: v, max: v + 1 })
                .collect(),
            breaks: breaks.iter().map(|&t| (at(t), Break::Reboot { boot })).collect(),
        }
    }

    #[test]
    fn lines_break_at_a_reboot_and_at_a_gap_and_nowhere_else() {
        let nonpaged = series(&[(60, 10), (120, 11), (180, 5), (600, 6), (660, 7)], &[180]);
        let paged = series(&[(60, 20), (120, 21), (180, 22), (600, 23)], &[]);
        let chart = PoolsChart::new((at(0), at(660)), &nonpaged, &paged, Limits::default(), vec![]);
        assert_eq!(chart.t, [60, 120, 179, 180, 599, 600, 660]);
        assert_eq!(
            chart.nonpaged.mean,
            [Some(10), Some(11), None, Some(5), None, Some(6), Some(7)]
        );
        assert_eq!(chart.paged.mean, [Some(20), Some(21), None, Some(22), None, Some(23), None]);
    }

    #[test]
    fn a_projection_ends_where_the_pool_does_or_the_chart_grows_too_wide() {
        let left = |likely_s, least_s, most_s| TimeLeft {
            pool: Pool::Nonpaged,
            likely_s,
            least_s,
            most_s,
        };
        let day = 86_400;
        let project = |left| Projection::new(&left, Bytes(1000), (100, 5000), day);
        let soon = project(left(8000, 4000, Some(16_000))).unwrap();
        assert_eq!((soon.until, soon.least, soon.likely, soon.most), (10_100, 5625, 6250, 7500));
        let far = project(left(864_000, 432_000, None)).unwrap();
        assert_eq!((far.until, far.least, far.likely, far.most), (28_900, 5000, 5033, 5066));
        assert_eq!(project(left(0, 0, None)), None, "it is used up");
    }

    #[test]
    fn the_json_is_columns_of_one_length() {
        let limits = Limits {
            nonpaged: Some(Limit { bytes: 222_322_688, source: CeilingSource::Measured }),
            paged: None,
        };
        let marks = vec![Mark { t: 120, kind: MarkKind::Event, label: "2019".into() }];
        let values = series(&[(60, 10), (120, 11)], &[]);
        let chart = PoolsChart::new((at(0), at(120)), &values, &series(&[], &[]), limits, marks);
        let json = serde_json::to_string(&chart).unwrap();
        assert_eq!(
            json,
            concat!(
                r#"{"from":0,"to":120,"step_s":60,"t":[60,120],"#,
                r#""nonpaged":{"min":[9,10],"mean":[10,11],"max":[11,12]},"#,
                r#""paged":{"min":[null,null],"mean":[null,null],"max":[null,null]},"#,
                r#""limits":{"nonpaged":{"bytes":222322688,"source":"measured"},"paged":null},"#,
                r#""marks":[{"t":120,"kind":"event","label":"2019"}]}"#
            )
        );
    }
}
