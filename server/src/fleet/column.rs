//! A column of counters: 32 bits each, and the few that are larger beside it.

/// Counters in four bytes each; what does not fit has its upper half in a short list.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Column {
    low: Vec<u32>,
    /// Place and upper half of large counters, by place.
    high: Vec<(u32, u32)>,
}

impl Column {
    /// An empty column with room for exactly so many.
    #[must_use]
    pub fn with_capacity(count: usize) -> Self {
        Self { low: Vec::with_capacity(count), high: Vec::new() }
    }

    /// How many counters it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.low.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.low.is_empty()
    }

    /// One counter.
    #[must_use]
    pub fn get(&self, at: usize) -> u64 {
        let low = u64::from(self.low[at]);
        if self.high.is_empty() {
            return low;
        }
        match self.place(at) {
            Ok(place) => u64::from(self.high[place].1) << 32 | low,
            Err(_) => low,
        }
    }

    /// Sets one counter.
    pub fn set(&mut self, at: usize, value: u64) {
        self.low[at] = value as u32;
        let upper = (value >> 32) as u32;
        if upper == 0 && self.high.is_empty() {
            return;
        }
        match (self.place(at), upper) {
            (Ok(place), 0) => {
                self.high.remove(place);
            }
            (Ok(place), _) => self.high[place].1 = upper,
            (Err(_), 0) => {}
            (Err(place), _) => self.high.insert(place, (at as u32, upper)),
        }
    }

    /// Adds a counter at the end.
    pub fn push(&mut self, value: u64) {
        let upper = (value >> 32) as u32;
        if upper != 0 {
            self.high.push((self.low.len() as u32, upper));
        }
        self.low.push(value as u32);
    }

    /// Bytes that it takes on the heap.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.low.capacity() * 4 + self.high.capacity() * 8
    }

    fn place(&self, at: usize) -> Result<usize, usize> {
        self.high.binary_search_by_key(&(at as u32), |(place, _)| *place)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = u64> {
        prop_oneof![0..10_u64, any::<u64>(), Just(u64::from(u32::MAX)), Just(1 << 32)]
    }

    proptest! {
        #[test]
        fn a_column_holds_what_a_plain_list_would(
            values in prop::collection::vec(value(), 1..40),
            changes in prop::collection::vec((any::<prop::sample::Index>(), value()), 0..40),
        ) {
            let mut column = Column::with_capacity(values.len());
            let mut plain = values.clone();
            values.iter().for_each(|value| column.push(*value));
            for (at, value) in changes {
                let at = at.index(plain.len());
                column.set(at, value);
                plain[at] = value;
            }
            let held: Vec<u64> = (0..column.len()).map(|at| column.get(at)).collect();
            prop_assert_eq!(held, plain);
        }
    }
}
