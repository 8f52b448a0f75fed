//! How an amount is spread over hosts: counts by size, from which quantiles are read.

/// Steps per doubling: a quantile is right to within 1.6 %.
const STEPS_LOG2: u32 = 5;

/// Steps per doubling.
const STEPS: usize = 1 << STEPS_LOG2;

/// How many hosts have an amount of which size.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QuantileSketch {
    /// Doublings in which any host is, a bit each.
    doublings: u64,
    /// Hosts by step of each of them. Counts may be below zero while two changes of one host cross.
    steps: Vec<[i32; STEPS]>,
}

impl QuantileSketch {
    /// Counts a host whose amount went from one size to another; 0 is none.
    pub fn shift(&mut self, from: u64, to: u64) {
        let (from, to) = (step(from), step(to));
        if from != to {
            // First where it goes to: what it leaves may be the last of its doubling.
            to.into_iter().for_each(|step| self.add(step, 1));
            from.into_iter().for_each(|step| self.add(step, -1));
        }
    }

    /// The amount that a share of the hosts does not exceed; 0 without hosts.
    #[must_use]
    pub fn quantile(&self, share: f64) -> u64 {
        let of_doubling =
            |steps: &[i32; STEPS]| -> i64 { steps.iter().map(|hosts| i64::from(*hosts)).sum() };
        let hosts: i64 = self.steps.iter().map(of_doubling).sum();
        let rank = ((hosts as f64 * share).ceil() as i64).max(1);
        let mut below = 0;
        let mut left = self.doublings;
        for steps in &self.steps {
            let doubling = left.trailing_zeros();
            left &= left.wrapping_sub(1);
            let own = of_doubling(steps);
            if below + own < rank && own >= 0 {
                below += own;
                continue;
            }
            for (part, hosts) in steps.iter().enumerate() {
                below += i64::from(*hosts);
                if below >= rank {
                    return middle(SizeStep { doubling, part });
                }
            }
        }
        0
    }

    fn add(&mut self, step: SizeStep, by: i32) {
        let bit = 1_u64 << step.doubling;
        let place = (self.doublings & (bit - 1)).count_ones() as usize;
        if self.doublings & bit == 0 {
            self.doublings |= bit;
            self.steps.insert(place, [0; STEPS]);
        }
        let hosts = &mut self.steps[place][step.part];
        *hosts += by;
        if *hosts == 0 && self.steps[place].iter().all(|hosts| *hosts == 0) {
            self.steps.remove(place);
            self.doublings &= !bit;
        }
    }
}

/// Which amounts count as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct SizeStep {
    /// The power of two.
    doubling: u32,
    /// How far to the next one, below [`STEPS`].
    part: usize,
}

fn step(value: u64) -> Option<SizeStep> {
    let doubling = value.checked_ilog2()?;
    let below = value ^ 1 << doubling;
    let part = if doubling >= STEPS_LOG2 {
        below >> (doubling - STEPS_LOG2)
    } else {
        below << (STEPS_LOG2 - doubling)
    };
    Some(SizeStep { doubling, part: part as usize })
}

fn middle(SizeStep { doubling, part }: SizeStep) -> u64 {
    let part = part as u64;
    if doubling > STEPS_LOG2 {
        let shift = doubling - STEPS_LOG2;
        1 << doubling | part << shift | 1 << (shift - 1)
    } else {
        1 << doubling | part >> (STEPS_LOG2 - doubling)
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
