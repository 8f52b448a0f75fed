//! Sparklines: a word-sized line of how a value went, drawn as SVG.

use std::fmt::{self, Write};

use askama::filters::HtmlSafe;
use poolwatch_model::Bytes;

use crate::figures::grouped;

const WIDTH: f64 = 72.0;
const HEIGHT: f64 = 18.0;
/// Room for the dot at the end.
const MARGIN: f64 = 2.5;
/// More points than pixels help nobody.
const MOST_POINTS: usize = 96;

/// What the values of a sparkline count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Things.
    Count,
}

/// How a value went, oldest first at even distances; `None` where nothing was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sparkline {
    /// What the values count.
    pub unit: Unit,
    /// The values.
    pub values: Vec<Option<u64>>,
    /// Whether it shows a suspect: drawn in the suspect's hue.
    pub suspect: bool,
}

impl Sparkline {
    /// A line of bytes.
    #[must_use]
    pub fn bytes(values: Vec<Option<u64>>) -> Self {
        Self { unit: Unit::Bytes, values, suspect: false }
    }

    /// A line of counts.
    #[must_use]
    pub fn counts(values: Vec<Option<u64>>) -> Self {
        Self { unit: Unit::Count, values, suspect: false }
    }

    /// The same line in the suspect's hue, when `suspect`.
    #[must_use]
    pub fn marked(mut self, suspect: bool) -> Self {
        self.suspect = suspect;
        self
    }

    fn describe(&self, value: u64) -> String {
        match self.unit {
            Unit::Bytes => Bytes(value).to_string(),
            Unit::Count => grouped(value),
        }
    }
}

impl HtmlSafe for Sparkline {}

impl fmt::Display for Sparkline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = || self.values.iter().flatten().copied();
        let (Some(first), Some(last)) = (known().next(), known().next_back()) else {
            return f.write_str("<span class=\"none\" title=\"no history yet\">–</span>");
        };
        let low = known().min().unwrap_or(first);
        let high = known().max().unwrap_or(last);
        // A tenth of the value fills the height at most: noise on a level must look level.
        let span = ((high - low) as f64).max(high as f64 / 10.0).max(1.0);
        let step = self.values.len().div_ceil(MOST_POINTS).max(1);
        let places = (self.values.len().saturating_sub(1) / step).max(1) as f64;

        let mut path = String::new();
        let mut end = (MARGIN, HEIGHT / 2.0);
        let mut pen_down = false;
        for (place, values) in self.values.chunks(step).enumerate() {
            let Some(value) = values.iter().flatten().max() else {
                pen_down = false;
                continue;
            };
            let x = MARGIN + (WIDTH - 2.0 * MARGIN) * (place as f64 / places).min(1.0);
            let y = HEIGHT - MARGIN - (HEIGHT - 2.0 * MARGIN) * ((value - low) as f64 / span);
            write!(path, "{}{x:.1} {y:.1}", if pen_down { 'L' } else { 'M' })?;
            pen_down = true;
            end = (x, y);
        }
        write!(
            f,
            "<svg class=\"spark{}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             role=\"img\" aria-label=\"from {from} to {to}\"><title>from {from} to {to}</title>\
             <path d=\"{path}\"/><circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"1.8\"/></svg>",
            if self.suspect { " suspect" } else { "" },
            end.0,
            end.1,
            from = self.describe(first),
            to = self.describe(last),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_breaks_the_line() {
        let line = Sparkline::counts(vec![Some(0), Some(10), None, Some(20), Some(30)]).to_string();
        assert!(line.contains("from 0 to 30"), "{line}");
        assert_eq!(line.matches('M').count(), 2, "{line}");
    }

    #[test]
    fn a_level_value_is_drawn_level() {
        let line = Sparkline::bytes(vec![Some(1000), Some(1001), Some(1000)]).to_string();
        assert!(line.contains("M2.5 15.5L36.0 15.4L69.5 15.5"), "{line}");
    }

    #[test]
    fn no_history_draws_no_line() {
        for values in [vec![], vec![None, None]] {
            assert!(!Sparkline::bytes(values).to_string().contains("<svg"));
        }
    }

    #[test]
    fn a_long_history_keeps_its_peaks_and_its_size() {
        let mut values = vec![Some(10); 10_000];
        values[5_003] = Some(u64::MAX);
        let line = Sparkline::bytes(values).to_string();
        assert!(line.len() < 3_000 && line.contains(" 2.5L"), "{line}");
    }
}
