//! What one host may do in a day that leaves rows for good.

/// Seconds of a day.
const DAY_S: i64 = 86_400;

/// So many of something in each day (UTC).
#[derive(Debug, Default)]
pub struct Allowance {
    day: i64,
    used: usize,
}

impl Allowance {
    /// Takes some of a day's. Returns the seconds until there are some again, when they are too many:
    /// nothing is taken then.
    ///
    /// # Errors
    /// With the seconds until the next day.
    pub fn take(&mut self, count: usize, most: usize, now_s: i64) -> Result<(), u32> {
        let day = now_s.div_euclid(DAY_S);
        if self.day != day {
            *self = Self { day, used: 0 };
        }
        if self.used + count > most {
            return Err(u32::try_from((day + 1) * DAY_S - now_s).unwrap_or(u32::MAX));
        }
        self.used += count;
        Ok(())
    }

    /// Gives back what was not needed.
    pub fn give_back(&mut self, count: usize) {
        self.used = self.used.saturating_sub(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_so_many_and_the_next_as_many_again() {
        let mut events = Allowance::default();
        assert_eq!(events.take(8, 10, 100), Ok(()));
        assert_eq!(events.take(3, 10, 86_390), Err(10));
        assert_eq!(events.take(2, 10, 86_390), Ok(()));
        assert_eq!(events.take(10, 10, 86_400), Ok(()));
    }
}
