//! Which rows of a table have a cell, and where it is.

/// Marks of rows, with the place of a marked row among the marked ones.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct RankBitmap {
    words: Vec<u64>,
    /// Marked rows before each word.
    before: Vec<u32>,
}

impl RankBitmap {
    /// Marks for so many rows: those for which `marked` holds.
    #[must_use]
    pub fn new(rows: usize, marked: impl Fn(usize) -> bool) -> Self {
        let mut places = Self {
            words: Vec::with_capacity(rows.div_ceil(64)),
            before: Vec::with_capacity(rows.div_ceil(64)),
        };
        let mut count = 0;
        for first in (0..rows).step_by(64) {
            let last = rows.min(first + 64);
            let bits = (first..last).filter(|row| marked(*row));
            let word = bits.fold(0_u64, |word, row| word | 1 << (row - first));
            places.words.push(word);
            places.before.push(count);
            count += word.count_ones();
        }
        places
    }

    /// The place of a row's cell; `None` when it has none.
    #[must_use]
    #[inline]
    pub fn of(&self, row: usize) -> Option<usize> {
        let word = *self.words.get(row / 64)?;
        let bit = 1_u64 << (row % 64);
        let before = self.before[row / 64] + (word & (bit - 1)).count_ones();
        (word & bit != 0).then_some(before as usize)
    }

    /// Marks a row that is not marked. Returns the place of its cell.
    pub fn mark(&mut self, row: usize) -> usize {
        self.words[row / 64] |= 1 << (row % 64);
        self.before[row / 64 + 1..].iter_mut().for_each(|before| *before += 1);
        self.of(row).unwrap_or_default()
    }

    /// The rows that have a cell, in order: the n-th has its cell at place n.
    pub fn rows(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(at, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = left.trailing_zeros() as usize;
                left &= left.wrapping_sub(1);
                (bit < 64).then_some(at * 64 + bit)
            })
        })
    }

    /// Bytes that it takes on the heap.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.words.capacity() * 8 + self.before.capacity() * 4
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_marked_rows_place_is_the_count_of_marks_before_it(
            marks in prop::collection::vec(any::<bool>(), 0..200),
        ) {
            let places = RankBitmap::new(marks.len(), |row| marks[row]);
            let rows: Vec<usize> = (0..marks.len()).filter(|row| marks[*row]).collect();
            prop_assert_eq!(places.rows().collect::<Vec<_>>(), rows.clone());
            for row in 0..marks.len() + 70 {
                prop_assert_eq!(places.of(row), rows.iter().position(|one| *one == row));
            }
            let mut all = places;
            for row in (0..marks.len()).filter(|row| !marks[*row]) {
                let before = all.rows().filter(|one| *one < row).count();
                prop_assert_eq!(all.mark(row), before);
            }
            prop_assert_eq!(all, RankBitmap::new(marks.len(), |_| true));
        }
    }
}
