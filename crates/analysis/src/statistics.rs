//! The few tests that judgements rest on.

use std::cmp::Ordering;

/// A robust line through points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slope {
    /// Median of the slopes between all pairs, per unit of `x`.
    pub slope: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Standard score of Mann and Kendall's test for a trend, corrected for ties.
    pub z: f64,
}

/// Fewer points make no line.
const LEAST_POINTS: usize = 4;
/// Standard deviations on either side that hold 95 %.
const WITHIN_95: f64 = 1.96;

/// The middle value; NaN of nothing.
pub fn median(values: &mut [f64]) -> f64 {
    let n = values.len();
    if n == 0 {
        return f64::NAN;
    }
    let (below, middle, _) = values.select_nth_unstable_by(n / 2, f64::total_cmp);
    let middle = *middle;
    if n % 2 == 1 {
        return middle;
    }
    below
        .iter()
        .copied()
        .max_by(f64::total_cmp)
        .map_or(middle, |before| f64::midpoint(before, middle))
}

/// Theil and Sen's slope with Mann and Kendall's test. Costs the square of the number of points:
/// meant for a few hundred. `None` for fewer than four points or when all have one `x`.
#[must_use]
pub fn theil_sen(points: &[(f64, f64)]) -> Option<Slope> {
    if points.len() < LEAST_POINTS {
        return None;
    }
    let mut slopes = Vec::with_capacity(points.len() * (points.len() - 1) / 2);
    let mut score = 0_i64;
    for (at, &(x0, y0)) in points.iter().enumerate() {
        for &(x1, y1) in &points[at + 1..] {
            if x1 > x0 {
                slopes.push((y1 - y0) / (x1 - x0));
                score += match y1.total_cmp(&y0) {
                    Ordering::Less => -1,
                    Ordering::Equal => 0,
                    Ordering::Greater => 1,
                };
            }
        }
    }
    if slopes.is_empty() {
        return None;
    }
    let deviation = mann_kendall_variance(points).sqrt();
    let z =
        if deviation > 0.0 { (score as f64 - (score.signum() as f64)) / deviation } else { 0.0 };
    slopes.sort_unstable_by(f64::total_cmp);
    let (n, half) = (slopes.len() as f64, WITHIN_95 * deviation / 2.0);
    let at = |rank: f64| slopes[(rank.max(0.0) as usize).min(slopes.len() - 1)];
    let (low, high) = (at(n / 2.0 - half), at(n / 2.0 + half));
    let slope = median(&mut slopes);
    Some(Slope { slope, low, high, z })
}

/// Variance of the score when there is no trend; equal values tell less.
fn mann_kendall_variance(points: &[(f64, f64)]) -> f64 {
    let term = |n: f64| n * (n - 1.0) * (2.0 * n + 5.0);
    let mut values: Vec<f64> = points.iter().map(|(_, y)| *y).collect();
    values.sort_unstable_by(f64::total_cmp);
    let ties: f64 = values.chunk_by(|a, b| a == b).map(|group| term(group.len() as f64)).sum();
    ((term(points.len() as f64) - ties) / 18.0).max(0.0)
}

/// Fisher's exact test, two-sided, of a table of two rows: `(with, of)` among affected and healthy.
#[must_use]
pub fn fisher_exact(affected: (u32, u32), healthy: (u32, u32)) -> f64 {
    let (a, n1) = (f64::from(affected.0.min(affected.1)), f64::from(affected.1));
    let (c, n2) = (f64::from(healthy.0.min(healthy.1)), f64::from(healthy.1));
    let with = a + c;
    let total = n1 + n2;
    let ln_of = |x: f64| ln_choose(n1, x) + ln_choose(n2, with - x) - ln_choose(total, with);
    let observed = ln_of(a);
    let (least, most) = ((with - n2).max(0.0) as u32, with.min(n1) as u32);
    let sum: f64 = (least..=most)
        .map(|x| ln_of(f64::from(x)))
        .filter(|ln| *ln <= observed + 1e-7)
        .map(f64::exp)
        .sum();
    sum.min(1.0)
}

/// Holm's correction of p values for the number of tests, in their order.
#[must_use]
pub fn holm(ps: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..ps.len()).collect();
    order.sort_by(|a, b| ps[*a].total_cmp(&ps[*b]));
    let mut corrected = vec![1.0; ps.len()];
    let mut most = 0.0_f64;
    for (rank, at) in order.into_iter().enumerate() {
        most = most.max((ps[at] * (ps.len() - rank) as f64).min(1.0));
        corrected[at] = most;
    }
    corrected
}

fn ln_choose(n: f64, k: f64) -> f64 {
    ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
}

/// Exact up to 20, Stirling's series beyond (its error is below 1e-10 there).
fn ln_factorial(n: f64) -> f64 {
    if n <= 20.0 {
        return (2..=n.max(0.0) as u32).map(|k| f64::from(k).ln()).sum();
    }
    let x = n + 1.0;
    (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + 1.0 / (12.0 * x)
        - 1.0 / (360.0 * x.powi(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_through_outliers() {
        let points: Vec<_> = (0..50)
            .map(|x| (f64::from(x), if x % 10 == 0 { 500.0 } else { 3.0 * f64::from(x) }))
            .collect();
        let slope = theil_sen(&points).unwrap();
        assert!((slope.slope - 3.0).abs() < 0.3, "{slope:?}");
        assert!(slope.low <= slope.slope && slope.slope <= slope.high && slope.z > 3.0);
    }

    #[test]
    fn equal_values_show_no_trend() {
        let flat: Vec<_> = (0..30).map(|x| (f64::from(x), 7.0)).collect();
        let slope = theil_sen(&flat).unwrap();
        assert_eq!((slope.slope, slope.z), (0.0, 0.0));
    }

    #[test]
    fn fishers_test_gives_the_published_values() {
        // The tea-tasting table: 3 of 4 against 1 of 4.
        assert!((fisher_exact((3, 4), (1, 4)) - 0.485_714).abs() < 1e-5);
        let p = fisher_exact((39, 41), (3, 960));
        assert!(p < 1e-45 && p > 0.0, "{p}");
        assert!((fisher_exact((5, 10), (50, 100)) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn holm_corrects_in_order() {
        let corrected = holm(&[0.01, 0.04, 0.03]);
        assert!(corrected.iter().zip([0.03, 0.06, 0.06]).all(|(a, b)| (a - b).abs() < 1e-12));
    }

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        assert!((median(&mut [4.0, 1.0, 3.0, 2.0]) - 2.5).abs() < 1e-12);
        assert!(median(&mut []).is_nan());
    }
}
