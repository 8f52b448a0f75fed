//! What the chart of an incident draws: `GET /incidents/{id}/growth.json`.

use std::{collections::BTreeMap, fmt::Write};

use jiff::Timestamp;
use poolwatch_model::{Bytes, series::Series};
use serde::Serialize;

use crate::HostLink;

/// The same figure of many hosts over time, in columns of one length.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GrowthChart {
    /// First second that was asked for (Unix time).
    pub from: i64,
    /// Last second that was asked for.
    pub to: i64,
    /// When the incident was opened.
    pub opened: i64,
    /// Interval that each point stands for, seconds.
    pub step_s: u32,
    /// Unix seconds, ascending.
    pub t: Vec<i64>,
    /// A line per host, the worst first.
    pub hosts: Vec<HostLine>,
    /// The median of the hosts that are known at each `t`, bytes.
    pub median: Vec<Option<u64>>,
    /// Hosts of the incident, drawn or not.
    pub of: u64,
}

/// A host's line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HostLine {
    /// Its short name.
    pub name: String,
    /// The address of its page.
    pub url: String,
    /// Bytes at each `t`, `null` where nothing is known.
    pub values: Vec<Option<u64>>,
}

impl GrowthChart {
    /// Puts the series of some of an incident's `of` hosts on one time axis. A moment without data
    /// of any host has a row as well, so that lines break there.
    #[must_use]
    pub fn new(
        (from, to): (Timestamp, Timestamp),
        opened: Timestamp,
        step_s: u32,
        series: Vec<(HostLink, Series)>,
        of: u64,
    ) -> Self {
        let step = i64::from(step_s.max(1));
        let mut places: BTreeMap<i64, usize> = BTreeMap::new();
        for (_, series) in &series {
            for point in &series.points {
                places.insert(point.at.as_second().div_euclid(step), 0);
            }
        }
        let known: Vec<i64> = places.keys().copied().collect();
        for pair in known.windows(2).filter(|pair| pair[1] - pair[0] > 1) {
            places.insert(pair[0] + 1, 0);
        }
        for (place, at) in places.values_mut().enumerate() {
            *at = place;
        }
        let hosts: Vec<HostLine> = series
            .into_iter()
            .map(|(host, series)| {
                let mut values = vec![None; places.len()];
                for point in series.points {
                    values[places[&point.at.as_second().div_euclid(step)]] = Some(point.mean);
                }
                HostLine { url: host.url(), name: host.name, values }
            })
            .collect();
        Self {
            from: from.as_second(),
            to: to.as_second(),
            opened: opened.as_second(),
            step_s,
            t: places.keys().map(|slot| slot * step).collect(),
            median: (0..places.len()).map(|at| median(&hosts, at)).collect(),
            hosts,
            of,
        }
    }
}

/// Size of the chart as a picture, and room for its scales.
const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 280.0;
const LEFT: f64 = 70.0;
const BELOW: f64 = 24.0;

impl GrowthChart {
    /// The chart as a picture that stands alone, SVG: a thin line per host, the median strong.
    #[must_use]
    pub fn svg(&self) -> String {
        let values = self.hosts.iter().flat_map(|host| &host.values).flatten();
        let most = values.copied().max().unwrap_or(1).max(1);
        let span = (self.to - self.from).max(1) as f64;
        let x = |t: i64| LEFT + (WIDTH - LEFT) * (t - self.from) as f64 / span;
        let y = |value: u64| 8.0 + (HEIGHT - BELOW - 8.0) * (1.0 - value as f64 / most as f64);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
             aria-label=\"Growth of {} hosts and their median\" font-family=\"sans-serif\" \
             font-size=\"12\" fill=\"none\">",
            self.hosts.len()
        );
        for part in 0..=4 {
            let value = most / 4 * part;
            let at = y(value);
            // Writing to a text cannot fail.
            let _ = write!(
                svg,
                "<path d=\"M{LEFT} {at:.1}H{WIDTH}\" stroke=\"#8886\"/><text x=\"{:.0}\" y=\"{:.1}\" \
                 text-anchor=\"end\" fill=\"#888\">{}</text>",
                LEFT - 6.0,
                at + 4.0,
                Bytes(value)
            );
        }
        for (t, anchor) in [(self.from, "start"), (self.to, "end")] {
            let when =
                Timestamp::from_second(t).map_or_else(|_| String::new(), crate::figures::utc);
            let _ = write!(
                svg,
                "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"{anchor}\" fill=\"#888\">{when}</text>",
                x(t),
                HEIGHT - 6.0
            );
        }
        let lines = self.hosts.iter().map(|host| (&host.values, "#8a97a8", 1.0));
        for (values, colour, width) in lines.chain([(&self.median, "#c026b8", 3.0)]) {
            let mut path = String::new();
            let mut pen_down = false;
            for (t, value) in self.t.iter().zip(values) {
                let Some(value) = *value else {
                    pen_down = false;
                    continue;
                };
                let step = if pen_down { 'L' } else { 'M' };
                let _ = write!(path, "{step}{:.1} {:.1}", x(*t), y(value));
                pen_down = true;
            }
            let _ =
                write!(svg, "<path d=\"{path}\" stroke=\"{colour}\" stroke-width=\"{width}\"/>");
        }
        svg.push_str("</svg>");
        svg
    }
}

/// The median at one moment; of an even number of hosts the lower of the middle two.
fn median(hosts: &[HostLine], at: usize) -> Option<u64> {
    let mut known: Vec<u64> = hosts.iter().filter_map(|host| host.values[at]).collect();
    known.sort_unstable();
    known.get(known.len().checked_sub(1)? / 2).copied()
}

#[cfg(test)]
mod tests {
    use poolwatch_model::{HostId, series::Point};

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn host(id: i32, values: &[(i64, u64)]) -> (HostLink, Series) {
        let point = |&(t, mean): &(i64, u64)| Point { at: at(t), min: 0, mean, max: u64::MAX };
        let points = values.iter().map(point).collect();
        let link = HostLink { id: HostId(id), name: format!("h{id}") };
        (link, Series { step_s: 600, points, breaks: vec![] })
    }

    #[test]
    fn hosts_share_an_axis_and_the_median_is_of_those_that_are_known() {
        let series = vec![
            host(1, &[(600, 10), (1200, 20), (3600, 30)]),
            host(2, &[(1200, 60)]),
            host(3, &[(1201, 40), (3600, 50)]),
        ];
        let chart = GrowthChart::new((at(0), at(4000)), at(700), 600, series, 41);
        assert_eq!(chart.t, [600, 1200, 1800, 3600], "the hours without data break the lines");
        assert_eq!(chart.hosts[0].values, [Some(10), Some(20), None, Some(30)]);
        assert_eq!(chart.hosts[2].values, [None, Some(40), None, Some(50)]);
        assert_eq!(chart.median, [Some(10), Some(40), None, Some(30)]);
        assert_eq!((chart.hosts[1].url.as_str(), chart.of), ("/hosts/2", 41));
    }

    #[test]
    fn a_picture_breaks_its_lines_where_nothing_is_known() {
        let series = vec![host(1, &[(600, 10), (1200, 20), (3600, 30)])];
        let svg = GrowthChart::new((at(0), at(4000)), at(700), 600, series, 1).svg();
        let line = svg.split("stroke=\"#8a97a8\"").next().unwrap();
        let path = line.rsplit("d=\"").next().unwrap();
        assert_eq!((path.matches('M').count(), path.matches('L').count()), (2, 1), "{path}");
        assert!(svg.ends_with("</svg>") && svg.contains("stroke=\"#c026b8\""));
    }

    #[test]
    fn nothing_known_is_an_empty_chart() {
        let chart = GrowthChart::new((at(0), at(1)), at(0), 0, vec![host(1, &[])], 1);
        assert_eq!((chart.t.len(), chart.median.len(), chart.hosts.len()), (0, 0, 1));
    }
}
