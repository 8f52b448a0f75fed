//! How many hosts stand where: at which pool pressure, at which size.

mod sizes;

use std::fmt;

pub use sizes::SizeHistogram;

use askama::filters::HtmlSafe;
use poolwatch_model::Pool;

use crate::figures::{counted, grouped};

const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 84.0;
/// Room for the number above a bar, and for the scale below.
const ABOVE: f64 = 14.0;
const BELOW: f64 = 16.0;

/// Hosts by how full one of their pools is, in ten steps of 10 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PressureHistogram {
    /// Which pool.
    pub pool: Pool,
    /// Hosts per step; the last holds 90 % and more.
    pub hosts: [u32; 10],
    /// Hosts of which neither limit nor memory is known.
    pub unknown: u32,
}

impl PressureHistogram {
    /// A histogram of shares of one.
    #[must_use]
    pub fn of(pool: Pool, shares: impl IntoIterator<Item = Option<f64>>) -> Self {
        let mut histogram = Self { pool, hosts: [0; 10], unknown: 0 };
        for share in shares {
            match share {
                Some(share) => histogram.hosts[((share * 10.0) as usize).min(9)] += 1,
                None => histogram.unknown += 1,
            }
        }
        histogram
    }

    fn summary(&self) -> String {
        let high = u64::from(self.hosts[9]);
        let known: u64 = self.hosts.iter().copied().map(u64::from).sum();
        format!(
            "{} pool: {} of {} at 90 % or more",
            self.pool,
            grouped(high),
            counted(known, "host", "hosts")
        )
    }
}

impl HtmlSafe for PressureHistogram {}

impl fmt::Display for PressureHistogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bars = self.hosts.iter().enumerate().map(|(step, &hosts)| Bar {
            hosts,
            place: format!("{} to {} %", step * 10, step * 10 + 10),
            class: match step {
                9 => "critical",
                7 | 8 => "warning",
                _ => "",
            },
        });
        let scale = ["0 %", "50 %", "100 %"].map(str::to_owned);
        draw(f, &self.summary(), &bars.collect::<Vec<_>>(), &scale)
    }
}

/// A bar of a histogram.
struct Bar {
    hosts: u32,
    /// What the hosts have in common: `10 to 20 %`.
    place: String,
    class: &'static str,
}

/// Draws bars, and a scale of what stands at the left, in the middle and at the right.
fn draw(
    f: &mut fmt::Formatter<'_>,
    summary: &str,
    bars: &[Bar],
    scale: &[String; 3],
) -> fmt::Result {
    let most = f64::from(bars.iter().map(|bar| bar.hosts).max().unwrap_or(0).max(1));
    let slot = WIDTH / bars.len().max(1) as f64;
    let floor = HEIGHT - BELOW;
    write!(
        f,
        "<svg class=\"histogram\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{summary}\">",
    )?;
    for (step, bar) in bars.iter().enumerate().filter(|(_, bar)| bar.hosts > 0) {
        // The square root keeps a single host visible beside a thousand; the numbers are exact.
        let height = (floor - ABOVE) * (f64::from(bar.hosts) / most).sqrt();
        let (x, y) = (slot * step as f64, floor - height);
        let class =
            if bar.class.is_empty() { String::new() } else { format!(" class=\"{}\"", bar.class) };
        write!(
            f,
            "<g{class}><title>{} at {}</title>\
             <rect x=\"{:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{height:.1}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\">{}</text></g>",
            counted(bar.hosts, "host", "hosts"),
            bar.place,
            x + 1.0,
            slot - 2.0,
            x + slot / 2.0,
            y - 3.0,
            grouped(bar.hosts.into()),
        )?;
    }
    write!(f, "<path d=\"M0 {floor}.5H{WIDTH}\"/>")?;
    for (x, anchor, label) in
        [(0.0, "start", &scale[0]), (WIDTH / 2.0, "middle", &scale[1]), (WIDTH, "end", &scale[2])]
    {
        write!(
            f,
            "<text class=\"scale\" x=\"{x}\" y=\"{}\" text-anchor=\"{anchor}\">{label}</text>",
            HEIGHT - 3.0
        )?;
    }
    f.write_str("</svg>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_fall_into_steps_of_ten_percent() {
        let shares = [Some(0.0), Some(0.099), Some(0.5), Some(0.97), Some(1.3), None];
        let histogram = PressureHistogram::of(Pool::Nonpaged, shares);
        assert_eq!(histogram.hosts, [2, 0, 0, 0, 0, 1, 0, 0, 0, 2]);
        assert_eq!(histogram.unknown, 1);
        let svg = histogram.to_string();
        assert!(svg.contains("nonpaged pool: 2 of 5 hosts at 90 % or more"), "{svg}");
        assert_eq!(svg.matches("<rect").count(), 3);
    }
}
