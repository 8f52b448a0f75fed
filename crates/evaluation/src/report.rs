//! Figures with their confidence bounds.

use poolwatch_analysis::confidence::{NAMED, REMEDY};
use poolwatch_simulator::patterns::leaks::Family;
use serde::Serialize;

use crate::study::Results;

/// What must be reached on what tuning never saw.
pub const PRECISION: f64 = 0.99;
/// False incidents in a thousand months of hosts, at most.
pub const FALSE_PER_THOUSAND: f64 = 1.0;
/// Recall of growth that counts.
pub const RECALL: f64 = 0.95;
/// Right findings for which somebody is named: a culprit, or who drives the leak.
pub const WITH_NAME: f64 = 0.8;

/// A share with its exact interval of 95 % (Clopper and Pearson).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Share {
    /// Successes.
    pub count: u32,
    /// Trials.
    pub of: u32,
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

impl Share {
    /// A share of so many successes.
    #[must_use]
    pub fn new(count: u32, of: u32) -> Self {
        let (k, n) = (f64::from(count), f64::from(of));
        let low = if count == 0 { 0.0 } else { bisect(|p| 1.0 - binomial(k - 1.0, n, p) - 0.025) };
        let high = if count >= of { 1.0 } else { bisect(|p| 0.025 - binomial(k, n, p)) };
        Self { count, of, low, high }
    }

    /// The share itself; 1 of nothing.
    #[must_use]
    pub fn value(&self) -> f64 {
        if self.of == 0 { 1.0 } else { f64::from(self.count) / f64::from(self.of) }
    }
}

/// A rate in a thousand months with its exact interval of 95 %.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rate {
    /// Incidents.
    pub count: u32,
    /// Months of hosts.
    pub months: u32,
    /// In a thousand months.
    pub per_thousand: f64,
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

impl Rate {
    /// A rate of so many incidents.
    #[must_use]
    pub fn new(count: u32, months: u32) -> Self {
        let k = f64::from(count);
        let scale = 1000.0 / f64::from(months.max(1));
        let most = 4.0 * k + 20.0;
        let low = if count == 0 {
            0.0
        } else {
            most * bisect(|x| 1.0 - poisson(k - 1.0, x * most) - 0.025)
        };
        let high = most * bisect(|x| 0.025 - poisson(k, x * most));
        Self { count, months, per_thousand: k * scale, low: low * scale, high: high * scale }
    }
}

/// Where a rising function crosses zero between 0 and 1.
fn bisect(rising: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if rising(middle) < 0.0 { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

/// The chance of at most `k` successes.
fn binomial(k: f64, n: f64, p: f64) -> f64 {
    if p <= 0.0 || p >= 1.0 {
        return f64::from(p <= 0.0 || k >= n);
    }
    let mut term = n * (1.0 - p).ln();
    let mut sum = term.exp();
    let mut i = 0.0;
    while i < k {
        term += ((n - i) / (i + 1.0)).ln() + (p / (1.0 - p)).ln();
        sum += term.exp();
        i += 1.0;
    }
    sum.min(1.0)
}

fn poisson(k: f64, mean: f64) -> f64 {
    let mut term = (-mean).exp();
    let mut sum = term;
    let mut i = 0.0;
    while i < k {
        i += 1.0;
        term *= mean / i;
        sum += term;
    }
    sum.min(1.0)
}

/// The figures of one half.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    /// Of those that were named, the guilty.
    pub precision: Share,
    /// False incidents.
    pub false_incidents: Rate,
    /// Of leaks that count, those found.
    pub recall: Share,
    /// Of right findings, those with somebody named.
    pub named: Share,
    /// Of leaks by more than counts that ended within a day, those found or watched.
    pub short: Share,
    /// By confidence: its lower end, its mean, and how many were right.
    pub calibration: Vec<(f32, f32, Share)>,
}

impl Figures {
    /// The figures of results.
    #[must_use]
    pub fn of(results: &Results) -> Self {
        let accused: Vec<_> =
            results.named.iter().filter(|named| named.confidence >= NAMED).collect();
        let right = accused.iter().filter(|named| named.right).count() as u32;
        let counting: Vec<_> = results.leaks.iter().filter(|leak| leak.counts).collect();
        let found = counting.iter().filter(|leak| leak.found).count() as u32;
        let short: Vec<_> =
            results.leaks.iter().filter(|leak| leak.size >= 1.0 && leak.days < 1.0).collect();
        let noticed = short.iter().filter(|leak| leak.found || leak.watched).count();
        let edges = [0.0_f32, NAMED, REMEDY, 0.8, 0.9, 0.95, 1.01];
        let calibration = edges
            .windows(2)
            .filter_map(|edge| {
                let within: Vec<_> = results
                    .named
                    .iter()
                    .filter(|named| (edge[0]..edge[1]).contains(&named.confidence))
                    .collect();
                let mean = within.iter().map(|named| named.confidence).sum::<f32>();
                let right = within.iter().filter(|named| named.right).count() as u32;
                let share = Share::new(right, within.len() as u32);
                (!within.is_empty()).then(|| (edge[0], mean / within.len() as f32, share))
            })
            .collect();
        Self {
            precision: Share::new(right, accused.len() as u32),
            false_incidents: Rate::new(results.false_incidents.len() as u32, results.months),
            recall: Share::new(found, counting.len() as u32),
            named: Share::new(results.accused, results.findings),
            short: Share::new(noticed as u32, short.len() as u32),
            calibration,
        }
    }

    /// What is missed, in words.
    #[must_use]
    pub fn missed(&self) -> Vec<String> {
        let mut missed = Vec::new();
        if self.precision.value() < PRECISION {
            missed.push(format!("precision {:.4} < {PRECISION}", self.precision.value()));
        }
        if self.false_incidents.per_thousand > FALSE_PER_THOUSAND {
            missed.push(format!("{:.2} false incidents", self.false_incidents.per_thousand));
        }
        if self.recall.value() < RECALL {
            missed.push(format!("recall {:.4} < {RECALL}", self.recall.value()));
        }
        if self.named.value() < WITH_NAME {
            missed.push(format!("somebody named in {:.4} < {WITH_NAME}", self.named.value()));
        }
        missed
    }

    /// As lines.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let share = |what: &str, s: &Share| {
            format!(
                "{what:<34}{:>8.4}   {:>5} of {:<6} 95 %: {:.4} to {:.4}",
                s.value(),
                s.count,
                s.of,
                s.low,
                s.high
            )
        };
        let f = &self.false_incidents;
        let mut lines = vec![
            share("precision of named suspects", &self.precision),
            format!(
                "{:<34}{:>8.3}   {:>5} in {:<6} 95 %: {:.3} to {:.3}",
                "false incidents / 1,000 months", f.per_thousand, f.count, f.months, f.low, f.high
            ),
            share("recall of growth that counts", &self.recall),
            share("right findings with a name", &self.named),
            share("found or watched within a day", &self.short),
        ];
        for (_, mean, right) in &self.calibration {
            lines.push(share(&format!("  right at confidence {mean:.2}"), right));
        }
        lines
    }
}

/// Recall by size and duration, as a table: found, and of the others those that were watched.
#[must_use]
pub fn recall_table(results: &Results) -> Vec<String> {
    let sizes = [(0.0, 0.5), (0.5, 1.0), (1.0, 2.0), (2.0, 5.0), (5.0, f64::INFINITY)];
    let days = [(0.0, 1.0), (1.0, 2.0), (2.0, 4.0), (4.0, 8.0), (8.0, f64::INFINITY)];
    let mut lines = vec![format!(
        "{:<26}{}",
        "growth, x what counts",
        days.map(|(from, to)| format!("{:>16}", format!("{from} to {to} d"))).concat()
    )];
    for (least, most) in sizes {
        let cells = days.map(|(from, to)| {
            let of: Vec<_> = results
                .leaks
                .iter()
                .filter(|leak| (least..most).contains(&leak.size))
                .filter(|leak| (from..to).contains(&leak.days))
                .collect();
            let found = of.iter().filter(|leak| leak.found).count();
            let watched = of.iter().filter(|leak| !leak.found && leak.watched).count();
            let cell = format!("{found} + {watched} of {}", of.len());
            format!("{:>16}", if of.is_empty() { "-".into() } else { cell })
        });
        lines.push(format!("{:<26}{}", format!("{least} to {most}"), cells.concat()));
    }
    lines
}

/// Recall of growth that counts, and for how many of all leaks that were found somebody was named, by
/// family.
#[must_use]
pub fn by_family(results: &Results, families: &[Family]) -> Vec<String> {
    families
        .iter()
        .map(|family| {
            let of: Vec<_> =
                results.leaks.iter().filter(|leak| leak.family == *family && leak.counts).collect();
            let found = of.iter().filter(|leak| leak.found).count() as u32;
            let share = Share::new(found, of.len() as u32);
            let all = || results.leaks.iter().filter(|leak| leak.family == *family && leak.found);
            let named = all().filter(|leak| leak.named).count();
            let mut delays: Vec<f64> = of.iter().filter_map(|leak| leak.delay_h).collect();
            delays.sort_by(f64::total_cmp);
            let median = delays.get(delays.len() / 2).copied().unwrap_or(f64::NAN);
            format!(
                "{:<20}{:>8.3}   {:>4} of {:<5} 95 %: {:.3} to {:.3}   median delay {median:>5.0} h   named {named} of {}",
                family.as_str(),
                share.value(),
                found,
                of.len(),
                share.low,
                share.high,
                all().count()
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_the_published_ones() {
        let share = Share::new(0, 10);
        assert!(share.low == 0.0 && (share.high - 0.3085).abs() < 1e-3, "{share:?}");
        let share = Share::new(9, 10);
        assert!((share.low - 0.5550).abs() < 1e-3 && (share.high - 0.9975).abs() < 1e-3);
        let rate = Rate::new(0, 1000);
        assert!((rate.high - 3.689).abs() < 1e-2, "{rate:?}");
        let rate = Rate::new(3, 1000);
        assert!((rate.low - 0.6187).abs() < 1e-2 && (rate.high - 8.767).abs() < 1e-2, "{rate:?}");
    }
}
