//! How an amount is spread over hosts: counts by size, from which quantiles are read.

/// Steps per doubling: a quantile is right to within 1.6 %.
const STEPS_LOG2: u32 = 5;

/// How many hosts have an amount of which size.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QuantileSketch {
    /// Step and hosts, by step. Counts may be below zero while two changes of one host cross.
    steps: Vec<(u16, i32)>,
}

impl QuantileSketch {
    /// Counts a host whose amount went from one size to another; 0 is none.
    pub fn shift(&mut self, from: u64, to: u64) {
        let (from, to) = (step(from), step(to));
        if from != to {
            from.into_iter().for_each(|step| self.add(step, -1));
            to.into_iter().for_each(|step| self.add(step, 1));
        }
    }

    /// The amount that a share of the hosts does not exceed; 0 without hosts.
    #[must_use]
    pub fn quantile(&self, share: f64) -> u64 {
        let hosts: i64 = self.steps.iter().map(|(_, hosts)| i64::from(*hosts)).sum();
        let rank = ((hosts as f64 * share).ceil() as i64).max(1);
        let mut below = 0;
        for (step, hosts) in &self.steps {
            below += i64::from(*hosts);
            if below >= rank {
                return middle(*step);
            }
        }
        0
    }

    fn add(&mut self, step: u16, by: i32) {
        match self.steps.binary_search_by_key(&step, |(step, _)| *step) {
            Ok(at) => {
                self.steps[at].1 += by;
                if self.steps[at].1 == 0 {
                    self.steps.remove(at);
                }
            }
            Err(at) => self.steps.insert(at, (step, by)),
        }
    }
}

fn step(value: u64) -> Option<u16> {
    let exponent = value.checked_ilog2()?;
    let below = value ^ 1 << exponent;
    let part = if exponent >= STEPS_LOG2 {
        below >> (exponent - STEPS_LOG2)
    } else {
        below << (STEPS_LOG2 - exponent)
    };
    Some((exponent << STEPS_LOG2) as u16 | part as u16)
}

fn middle(step: u16) -> u64 {
    let (exponent, part) = (u32::from(step) >> STEPS_LOG2, u64::from(step) & 31);
    if exponent > STEPS_LOG2 {
        let shift = exponent - STEPS_LOG2;
        1 << exponent | part << shift | 1 << (shift - 1)
    } else {
        1 << exponent | part >> (STEPS_LOG2 - exponent)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn quantiles_are_those_of_the_sorted_amounts(
            first in prop::collection::vec(0..1_u64 << 40, 1..60),
            then in prop::collection::vec(0..1_u64 << 40, 1..60),
        ) {
            let mut spread = QuantileSketch::default();
            for value in &first {
                spread.shift(0, *value);
            }
            for (from, to) in first.iter().zip(&then) {
                spread.shift(*from, *to);
            }
            let mut now: Vec<u64> =
                then.iter().chain(first.get(then.len()..).unwrap_or_default()).copied().collect();
            now.truncate(first.len());
            now.retain(|value| *value > 0);
            now.sort_unstable();
            for share in [0.5, 0.95] {
                let rank = ((now.len() as f64 * share).ceil() as usize).max(1);
                let exact = now.get(rank - 1).copied().unwrap_or(0);
                let read = spread.quantile(share);
                prop_assert!(read.abs_diff(exact) <= exact / 60, "{} {}", read, exact);
            }
        }
    }
}
