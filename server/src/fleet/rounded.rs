//! Amounts in two bytes: what an earlier moment costs in memory.

/// An amount to within 0.05 %, or that it is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rounded(u16);

/// Bits kept below the leading one.
const MANTISSA: u32 = 10;

impl Rounded {
    /// Not known.
    pub const UNKNOWN: Self = Self(0);
    /// Nothing.
    pub const ZERO: Self = Self(1);

    /// The nearest amount; the largest is 2^63.
    #[must_use]
    pub fn of(value: u64) -> Self {
        let Some(exponent) = value.checked_ilog2() else { return Self::ZERO };
        let exponent = exponent.min(62);
        let value = value.min((1 << 63) - 1);
        let below = value ^ 1 << exponent;
        let mantissa = if exponent >= MANTISSA {
            below >> (exponent - MANTISSA)
        } else {
            below << (MANTISSA - exponent)
        };
        Self(2 + ((exponent << MANTISSA) as u16 | mantissa as u16))
    }

    /// The amount; `None` when not known.
    #[must_use]
    pub fn get(self) -> Option<u64> {
        let Some(code) = self.0.checked_sub(2) else {
            return (self == Self::ZERO).then_some(0);
        };
        let (exponent, mantissa) = (u32::from(code) >> MANTISSA, u64::from(code) & 1023);
        Some(if exponent > MANTISSA {
            let shift = exponent - MANTISSA;
            1 << exponent | mantissa << shift | 1 << (shift - 1)
        } else {
            1 << exponent | mantissa >> (MANTISSA - exponent)
        })
    }

    /// How much more `now` is; 0 as long as it rounds to the same. `None` when not known.
    #[must_use]
    pub fn growth_to(self, now: u64) -> Option<i64> {
        let then = self.get()?;
        Some(if Self::of(now) == self {
            0
        } else {
            poolwatch_analysis::growth::difference(then, now)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_amount_comes_back_to_within_a_two_thousandth(value in 0..1_u64 << 62) {
            let back = Rounded::of(value).get().unwrap();
            prop_assert!(back.abs_diff(value) <= value / 2000, "{} {}", value, back);
            prop_assert_eq!(Rounded::of(value).growth_to(value), Some(0));
        }
    }

    #[test]
    fn nothing_is_not_the_same_as_not_known() {
        assert_eq!(Rounded::of(0).get(), Some(0));
        assert_eq!(Rounded::default().get(), None);
        assert_eq!(Rounded::ZERO.growth_to(500), Some(500));
        assert!(Rounded::of(u64::MAX).get().is_some_and(|value| value > 1 << 62));
    }
}
