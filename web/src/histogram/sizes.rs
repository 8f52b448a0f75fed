//! How many hosts have how much of something.

use std::fmt;

use askama::filters::HtmlSafe;
use poolwatch_model::Bytes;

use super::{Bar, draw};
use crate::figures::counted;

/// Bars at most.
const BARS: u32 = 16;

/// Hosts by how many bytes they have, in steps that double, or grow by a larger power of two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SizeHistogram {
    /// Where the first step begins: a power of two, by its exponent.
    first: u32,
    /// Powers of two per step.
    width: u32,
    hosts: Vec<u32>,
}

impl SizeHistogram {
    /// A histogram of amounts; those of nothing are left out.
    #[must_use]
    pub fn of(amounts: &[u64]) -> Self {
        let exponents = || amounts.iter().filter_map(|amount| amount.checked_ilog2());
        let (Some(least), Some(most)) = (exponents().min(), exponents().max()) else {
            return Self { first: 0, width: 1, hosts: Vec::new() };
        };
        let width = (most - least + 1).div_ceil(BARS);
        let mut hosts = vec![0; ((most - least) / width + 1) as usize];
        for exponent in exponents() {
            hosts[((exponent - least) / width) as usize] += 1;
        }
        Self { first: least, width, hosts }
    }

    /// Whether there is more than one step: else there is nothing to see.
    #[must_use]
    pub fn is_spread(&self) -> bool {
        self.hosts.len() > 1
    }

    fn edge(&self, step: usize) -> Bytes {
        Bytes(1_u64.checked_shl(self.first + self.width * step as u32).unwrap_or(u64::MAX))
    }
}

impl HtmlSafe for SizeHistogram {}

impl fmt::Display for SizeHistogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = self.hosts.len();
        let bars = self.hosts.iter().enumerate().map(|(step, &hosts)| Bar {
            hosts,
            place: format!("{} to {}", self.edge(step), self.edge(step + 1)),
            class: "",
        });
        let hosts: u64 = self.hosts.iter().copied().map(u64::from).sum();
        let (least, most) = (self.edge(0), self.edge(steps));
        let summary = format!("{} between {least} and {most}", counted(hosts, "host", "hosts"));
        let middle =
            if steps.is_multiple_of(2) { self.edge(steps / 2).to_string() } else { String::new() };
        draw(f, &summary, &bars.collect::<Vec<_>>(), &[least.to_string(), middle, most.to_string()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_fall_into_steps_that_double() {
        let histogram = SizeHistogram::of(&[0, 1024, 2047, 2048, 8191]);
        assert_eq!(histogram.hosts, [2, 1, 1]);
        let svg = histogram.to_string();
        assert!(svg.contains("4 hosts between 1.0 kB and 8.0 kB"), "{svg}");
        assert!(svg.contains("2 hosts at 1.0 kB to 2.0 kB"), "{svg}");
    }

    #[test]
    fn the_widest_spread_has_few_bars() {
        let histogram = SizeHistogram::of(&[1, u64::MAX]);
        assert_eq!((histogram.hosts.len(), histogram.width), (16, 4));
        assert!(histogram.to_string().contains("<svg"));
        assert!(!SizeHistogram::of(&[]).is_spread() && !SizeHistogram::of(&[7]).is_spread());
    }
}
