//! A column of counters: one, two or four bytes each, and the few that are larger beside it.

/// What small counters are kept in.
pub trait Narrow: Copy + Eq {
    /// Stands for a counter that is too large.
    const LARGE: Self;

    /// The counter; [`Self::LARGE`] where it is too large.
    fn narrow(value: u64) -> Self;
    /// The counter again.
    fn widen(self) -> u64;
}

macro_rules! narrow {
    ($number:ty) => {
        impl Narrow for $number {
            const LARGE: Self = Self::MAX;

            fn narrow(value: u64) -> Self {
                Self::try_from(value).unwrap_or(Self::LARGE)
            }

            fn widen(self) -> u64 {
                self.into()
            }
        }
    };
}

narrow!(u8);
narrow!(u16);
narrow!(u32);

/// Counters in one, two or four bytes each; those that do not fit are in a short list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column<N = u32> {
    small: Vec<N>,
    /// By place.
    large: Vec<LargeCounter>,
}

/// A counter that does not fit its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct LargeCounter {
    place: u32,
    /// Its lower and its upper half.
    value: [u32; 2],
}

impl LargeCounter {
    fn new(place: usize, value: u64) -> Self {
        Self { place: place as u32, value: [value as u32, (value >> 32) as u32] }
    }

    fn value(self) -> u64 {
        let [low, high] = self.value;
        u64::from(high) << 32 | u64::from(low)
    }
}

impl<N> Default for Column<N> {
    fn default() -> Self {
        Self { small: Vec::new(), large: Vec::new() }
    }
}

impl<N: Narrow> Column<N> {
    /// An empty column with room for exactly so many.
    #[must_use]
    pub fn with_capacity(count: usize) -> Self {
        Self { small: Vec::with_capacity(count), large: Vec::new() }
    }

    /// How many counters it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.small.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.small.is_empty()
    }

    /// One counter.
    #[must_use]
    #[inline]
    pub fn get(&self, at: usize) -> u64 {
        let small = self.small[at];
        if small != N::LARGE {
            return small.widen();
        }
        self.place(at).map_or(0, |place| self.large[place].value())
    }

    /// Sets one counter.
    #[inline]
    pub fn set(&mut self, at: usize, value: u64) {
        let before = std::mem::replace(&mut self.small[at], N::narrow(value));
        if before == N::LARGE || self.small[at] == N::LARGE {
            self.set_large(at, value);
        }
    }

    /// Adds a counter at the end.
    pub fn push(&mut self, value: u64) {
        let small = N::narrow(value);
        if small == N::LARGE {
            self.large.push(LargeCounter::new(self.small.len(), value));
        }
        self.small.push(small);
    }

    /// Bytes that it takes on the heap.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.small.capacity() * size_of::<N>() + self.large.capacity() * size_of::<LargeCounter>()
    }

    fn set_large(&mut self, at: usize, value: u64) {
        let large = LargeCounter::new(at, value);
        match (self.place(at), self.small[at] == N::LARGE) {
            (Ok(place), true) => self.large[place] = large,
            (Ok(place), false) => drop(self.large.remove(place)),
            (Err(place), true) => self.large.insert(place, large),
            (Err(_), false) => {}
        }
    }

    fn place(&self, at: usize) -> Result<usize, usize> {
        self.large.binary_search_by_key(&(at as u32), |large| large.place)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = u64> {
        let edge = |edge: u64| edge - 2..edge + 2;
        prop_oneof![
            0..10_u64,
            any::<u64>(),
            edge(1 << 8),
            edge(1 << 16),
            edge(1 << 32),
            Just(u64::MAX)
        ]
    }

    fn check<N: Narrow>(
        values: &[u64],
        changes: &[(prop::sample::Index, u64)],
    ) -> Result<(), TestCaseError> {
        let mut column = Column::<N>::with_capacity(values.len());
        let mut plain = values.to_vec();
        values.iter().for_each(|value| column.push(*value));
        for (at, value) in changes {
            let at = at.index(plain.len());
            column.set(at, *value);
            plain[at] = *value;
        }
        let held: Vec<u64> = (0..column.len()).map(|at| column.get(at)).collect();
        let large = plain.iter().filter(|value| N::narrow(**value) == N::LARGE).count();
        prop_assert_eq!(column.large.len(), large);
        prop_assert_eq!(held, plain);
        Ok(())
    }

    proptest! {
        #[test]
        fn a_column_holds_what_a_plain_list_would(
            values in prop::collection::vec(value(), 1..40),
            changes in prop::collection::vec((any::<prop::sample::Index>(), value()), 0..40),
        ) {
            check::<u8>(&values, &changes)?;
            check::<u16>(&values, &changes)?;
            check::<u32>(&values, &changes)?;
        }
    }
}
