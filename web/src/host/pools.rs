//! What the charts of a host draw: `GET /hosts/{id}/pools.json?hours=24`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use poolwatch_model::{
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
        for at in breaks(&rows, [nonpaged, paged], step_s) {
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
        };
        for (t, [nonpaged, paged]) in rows {
            chart.t.push(t);
            chart.nonpaged.push(nonpaged);
            chart.paged.push(paged);
        }
        chart
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
fn breaks(
    rows: &BTreeMap<i64, [Option<&Point>; 2]>,
    series: [&Series; 2],
    step_s: u32,
) -> BTreeSet<i64> {
    let told = series.into_iter().flat_map(|series| &series.breaks).map(|(at, _)| at.as_second());
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
