//! What of a host is drawn over time beside its pools, as addresses hold it, and what charts get of
//! it: `GET /hosts/{id}/series.json?draw=nonpaged:Thre,handles:416&hours=24`.

use std::{collections::BTreeMap, fmt, str::FromStr};

use jiff::Timestamp;
use poolwatch_model::{
    Pool, PoolTag,
    process::ProcessKey,
    series::{Point, Series},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::pools::{Mark, line_breaks};

/// Figures that are drawn at once: as many as can be told apart.
pub const DRAWN: usize = 6;

/// A figure of a host that can be drawn over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DrawnFigure {
    /// Bytes of a tag.
    TagBytes(PoolTag, Pool),
    /// Outstanding allocations of a tag.
    TagOutstanding(PoolTag, Pool),
    /// Open handles of a process.
    ProcessHandles(ProcessKey),
    /// Threads of a process.
    ProcessThreads(ProcessKey),
    /// Private bytes of a process.
    ProcessPrivate(ProcessKey),
    /// Objects of a kernel object type.
    TypeObjects(String),
    /// Handles that lead to objects of a kernel object type.
    TypeHandles(String),
    /// Commit charge.
    Committed,
    /// Commit limit.
    CommitLimit,
    /// Physical memory available.
    Available,
    /// Handles of all processes.
    Handles,
    /// Threads of all processes.
    Threads,
}

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DrawnUnit {
    /// Bytes.
    Bytes,
    /// Things.
    Count,
}

/// An address asks for a figure that there is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoSuchFigure;

impl fmt::Display for NoSuchFigure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no figure that can be drawn")
    }
}

impl DrawnFigure {
    /// What it counts.
    #[must_use]
    pub const fn unit(&self) -> DrawnUnit {
        match self {
            Self::TagBytes(..)
            | Self::ProcessPrivate(_)
            | Self::Committed
            | Self::CommitLimit
            | Self::Available => DrawnUnit::Bytes,
            _ => DrawnUnit::Count,
        }
    }

    /// The process that it is of.
    #[must_use]
    pub const fn process(&self) -> Option<ProcessKey> {
        match self {
            Self::ProcessHandles(key) | Self::ProcessThreads(key) | Self::ProcessPrivate(key) => {
                Some(*key)
            }
            _ => None,
        }
    }

    /// The same of another process; for what is not of a process the same.
    #[must_use]
    pub fn of_process(&self, key: ProcessKey) -> Self {
        match self {
            Self::ProcessHandles(_) => Self::ProcessHandles(key),
            Self::ProcessThreads(_) => Self::ProcessThreads(key),
            Self::ProcessPrivate(_) => Self::ProcessPrivate(key),
            other => other.clone(),
        }
    }

    /// What it is called; `image` is the name of its process.
    #[must_use]
    pub fn name(&self, image: Option<&str>) -> String {
        let of_process = |what: &str, key: &ProcessKey| match image {
            Some(image) => format!("{what} of {image} {}", key.pid),
            None => format!("{what} of process {}", key.pid),
        };
        match self {
            Self::TagBytes(tag, pool) => format!("{tag}, {pool}"),
            Self::TagOutstanding(tag, pool) => format!("{tag}, {pool}, allocations"),
            Self::ProcessHandles(key) => of_process("handles", key),
            Self::ProcessThreads(key) => of_process("threads", key),
            Self::ProcessPrivate(key) => of_process("private bytes", key),
            Self::TypeObjects(name) => format!("{name} objects"),
            Self::TypeHandles(name) => format!("handles to {name}"),
            Self::Committed => "commit charge".to_owned(),
            Self::CommitLimit => "commit limit".to_owned(),
            Self::Available => "memory available".to_owned(),
            Self::Handles => "handles of all processes".to_owned(),
            Self::Threads => "threads of all processes".to_owned(),
        }
    }
}

/// Commas stand between figures of an address.
fn without_commas(text: &str) -> String {
    text.replace(',', "\\x2c")
}

impl fmt::Display for DrawnFigure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tag = |tag: &PoolTag| without_commas(&tag.to_string());
        let process = |key: &ProcessKey| match key.created {
            Some(at) => format!("{}.{}", key.pid, at.as_nanosecond() / 100),
            None => key.pid.to_string(),
        };
        match self {
            Self::TagBytes(of, pool) => write!(f, "{pool}:{}", tag(of)),
            Self::TagOutstanding(of, pool) => write!(f, "{pool}-allocations:{}", tag(of)),
            Self::ProcessHandles(key) => write!(f, "handles:{}", process(key)),
            Self::ProcessThreads(key) => write!(f, "threads:{}", process(key)),
            Self::ProcessPrivate(key) => write!(f, "private:{}", process(key)),
            Self::TypeObjects(name) => write!(f, "objects:{}", without_commas(name)),
            Self::TypeHandles(name) => write!(f, "type-handles:{}", without_commas(name)),
            Self::Committed => f.write_str("commit"),
            Self::CommitLimit => f.write_str("commit-limit"),
            Self::Available => f.write_str("available"),
            Self::Handles => f.write_str("all-handles"),
            Self::Threads => f.write_str("all-threads"),
        }
    }
}

impl FromStr for DrawnFigure {
    type Err = NoSuchFigure;

    fn from_str(text: &str) -> Result<Self, NoSuchFigure> {
        let (kind, of) = text.split_once(':').unwrap_or((text, ""));
        let tag = || of.parse::<PoolTag>().map_err(|_| NoSuchFigure);
        let named = || match of.replace("\\x2c", ",") {
            name if name.is_empty() || name.len() > 200 => Err(NoSuchFigure),
            name => Ok(name),
        };
        Ok(match kind {
            "nonpaged" => Self::TagBytes(tag()?, Pool::Nonpaged),
            "paged" => Self::TagBytes(tag()?, Pool::Paged),
            "nonpaged-allocations" => Self::TagOutstanding(tag()?, Pool::Nonpaged),
            "paged-allocations" => Self::TagOutstanding(tag()?, Pool::Paged),
            "handles" => Self::ProcessHandles(process_key(of)?),
            "threads" => Self::ProcessThreads(process_key(of)?),
            "private" => Self::ProcessPrivate(process_key(of)?),
            "objects" => Self::TypeObjects(named()?),
            "type-handles" => Self::TypeHandles(named()?),
            "commit" => Self::Committed,
            "commit-limit" => Self::CommitLimit,
            "available" => Self::Available,
            "all-handles" => Self::Handles,
            "all-threads" => Self::Threads,
            _ => return Err(NoSuchFigure),
        })
    }
}

/// `416`, or `416.133…` with the creation time in steps of 100 ns.
fn process_key(text: &str) -> Result<ProcessKey, NoSuchFigure> {
    let (pid, created) = text.split_once('.').map_or((text, None), |(pid, at)| (pid, Some(at)));
    let created = created.map(|at| {
        let steps: i64 = at.parse().map_err(|_| NoSuchFigure)?;
        Timestamp::from_nanosecond(i128::from(steps) * 100).map_err(|_| NoSuchFigure)
    });
    let pid = pid.parse().map_err(|_| NoSuchFigure)?;
    Ok(ProcessKey { pid, created: created.transpose()? })
}

/// The figures that an address asks for, the first [`DRAWN`] of them. What is none is left out: a
/// bookmark outlives what it was made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DrawnFigures(pub Vec<DrawnFigure>);

impl DrawnFigures {
    /// One figure alone.
    #[must_use]
    pub fn one(figure: DrawnFigure) -> Self {
        Self(vec![figure])
    }

    /// Whether nothing is drawn.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads what stands in an address.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut figures: Vec<DrawnFigure> = Vec::new();
        for figure in text.split(',').filter_map(|one| one.parse().ok()) {
            if figures.len() < DRAWN && !figures.contains(&figure) {
                figures.push(figure);
            }
        }
        Self(figures)
    }
}

impl fmt::Display for DrawnFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, figure) in self.0.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            write!(f, "{comma}{figure}")?;
        }
        Ok(())
    }
}

impl Serialize for DrawnFigures {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DrawnFigures {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Ok(Self::read(&text))
    }
}

/// Figures of a host over time, in columns of one length.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SeriesChart {
    /// First second that was asked for (Unix time).
    pub from: i64,
    /// Last second that was asked for.
    pub to: i64,
    /// Interval that each point stands for, seconds.
    pub step_s: u32,
    /// Unix seconds, ascending.
    pub t: Vec<i64>,
    /// A line per figure.
    pub lines: Vec<SeriesLine>,
    /// What happened meanwhile.
    pub marks: Vec<Mark>,
}

/// A figure's line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeriesLine {
    /// The figure, as addresses hold it.
    pub figure: String,
    /// What it is called.
    pub name: String,
    /// What it counts.
    pub unit: DrawnUnit,
    /// Means at each `t`, `null` where the line breaks.
    pub mean: Vec<Option<u64>>,
    /// Greatest values likewise.
    pub max: Vec<Option<u64>>,
}

impl SeriesChart {
    /// Puts the series of figures on one time axis. Lines break as those of pools do.
    #[must_use]
    pub fn new(
        (from, to): (Timestamp, Timestamp),
        step_s: u32,
        figures: &[(DrawnFigure, String, Series)],
        marks: Vec<Mark>,
    ) -> Self {
        let step_s = figures.iter().map(|(_, _, one)| one.step_s).max().unwrap_or(step_s).max(1);
        let mut rows: BTreeMap<i64, Vec<Option<Point>>> = BTreeMap::new();
        let empty = || vec![None; figures.len()];
        for (column, (_, _, series)) in figures.iter().enumerate() {
            for point in &series.points {
                rows.entry(point.at.as_second()).or_insert_with(empty)[column] = Some(*point);
            }
        }
        let series: Vec<&Series> = figures.iter().map(|(_, _, one)| one).collect();
        for at in line_breaks(&rows, &series, step_s) {
            rows.entry(at).or_insert_with(empty);
        }
        let column = |at: usize, of: fn(&Point) -> u64| -> Vec<Option<u64>> {
            rows.values().map(|row| row[at].as_ref().map(of)).collect()
        };
        let lines = figures.iter().enumerate().map(|(at, (figure, name, _))| SeriesLine {
            figure: figure.to_string(),
            name: name.clone(),
            unit: figure.unit(),
            mean: column(at, |point| point.mean),
            max: column(at, |point| point.max),
        });
        Self {
            from: from.as_second(),
            to: to.as_second(),
            step_s,
            lines: lines.collect(),
            t: rows.keys().copied().collect(),
            marks,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_an_address_and_back() {
        let at = Timestamp::from_nanosecond(1_700_000_000_123_456_700).unwrap();
        let key = ProcessKey { pid: 416, created: Some(at) };
        let figures = [
            DrawnFigure::TagBytes(PoolTag::new(*b"Thre"), Pool::Nonpaged),
            DrawnFigure::TagBytes(PoolTag::new(*b"a,:b"), Pool::Paged),
            DrawnFigure::TagOutstanding(PoolTag::new([0, 0xff, b'\\', b' ']), Pool::Paged),
            DrawnFigure::ProcessHandles(key),
            DrawnFigure::ProcessThreads(ProcessKey { created: None, ..key }),
            DrawnFigure::TypeObjects("a,b:c".into()),
        ];
        let text = DrawnFigures(figures.to_vec()).to_string();
        assert_eq!(DrawnFigures::read(&text).0, figures, "{text}");
        for word in ["commit", "commit-limit", "available", "all-handles", "all-threads"] {
            assert_eq!(word.parse::<DrawnFigure>().unwrap().to_string(), word);
        }
    }

    #[test]
    fn what_is_no_figure_is_left_out_and_no_more_than_can_be_told_apart_are_drawn() {
        for text in
            ["", "moon", "nonpaged", "nonpaged:toolong", "handles:x", "handles:1.x", "objects:"]
        {
            assert_eq!(DrawnFigures::read(text).0, [], "{text}");
        }
        let many: Vec<String> = (0..50).map(|pid| format!("handles:{pid}")).collect();
        assert_eq!(DrawnFigures::read(&many.join(",")).0.len(), DRAWN);
        assert_eq!(DrawnFigures::read("commit,commit").0.len(), 1);
    }

    #[test]
    fn figures_share_an_axis_and_break_apart() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let series = |values: &[(i64, u64)]| Series {
            step_s: 60,
            points: values
                .iter()
                .map(|&(t, v)| Point { at: at(t), min: v, mean: v, max: v + 1 })
                .collect(),
            breaks: vec![],
        };
        let chart = SeriesChart::new(
            (at(0), at(600)),
            60,
            &[
                (
                    DrawnFigure::Committed,
                    "commit charge".into(),
                    series(&[(60, 1), (120, 2), (600, 3)]),
                ),
                (DrawnFigure::Handles, "handles".into(), series(&[(120, 7)])),
            ],
            vec![],
        );
        assert_eq!(chart.t, [60, 120, 599, 600]);
        assert_eq!(chart.lines[0].mean, [Some(1), Some(2), None, Some(3)]);
        assert_eq!(chart.lines[1].max, [None, Some(8), None, None]);
        assert_eq!(chart.lines[1].unit, DrawnUnit::Count);
    }
}
