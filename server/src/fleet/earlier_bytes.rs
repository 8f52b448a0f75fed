//! The bytes of tags at an earlier moment: kept of those alone that are not now what they were then.

use super::{column::Column, rank_bitmap::RankBitmap, rounded::Rounded};

/// The bytes of cells at an earlier moment. Where none are kept, they were what they are now, as far as
/// [`Rounded`] tells them apart.
#[derive(Debug)]
pub struct EarlierBytes {
    differing: RankBitmap,
    then: Vec<Rounded>,
}

impl EarlierBytes {
    /// What cells had then, in their order; `bytes` is what they have now.
    #[must_use]
    pub fn new(then: &[Rounded], bytes: &Column) -> Self {
        let differs = |at: usize| then[at] != Rounded::of(bytes.get(at));
        let differing = RankBitmap::new(then.len(), differs);
        let kept = differing.rows().map(|at| then[at]).collect();
        Self { differing, then: kept }
    }

    /// What a cell had then that has so many bytes now.
    #[must_use]
    pub fn get(&self, at: usize, bytes: u64) -> Rounded {
        match self.differing.of(at) {
            Some(place) => self.then[place],
            None => Rounded::of(bytes),
        }
    }

    /// Notes that a cell which had as many bytes as `then` will have others.
    pub fn note_change(&mut self, at: usize, then: Rounded, bytes: u64) {
        if self.differing.of(at).is_none() && then != Rounded::of(bytes) {
            let place = self.differing.mark(at);
            self.then.insert(place, then);
        }
    }

    /// Bytes that it takes on the heap.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.differing.heap_bytes() + self.then.capacity() * size_of::<Rounded>()
    }
}
