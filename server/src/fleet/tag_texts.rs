//! The texts of all tags of the fleet by their numbers: a host keeps two bytes of each of its tags.

use std::{
    fmt,
    sync::atomic::{AtomicU32, Ordering},
};

use poolwatch_model::PoolTag;

/// A text for each number there may be. As long as a host has a tag, its number keeps its text; who gives
/// numbers out sets them.
pub struct TagTexts(Box<[AtomicU32]>);

impl TagTexts {
    /// The tag of a number that a host has.
    #[must_use]
    pub fn get(&self, index: usize) -> PoolTag {
        PoolTag::new(self.0[index].load(Ordering::Relaxed).to_ne_bytes())
    }

    /// Gives a number to a tag. Whoever is told of the number is told of it after this.
    pub(super) fn set(&self, index: usize, tag: PoolTag) {
        self.0[index].store(u32::from_ne_bytes(tag.bytes()), Ordering::Relaxed);
    }
}

impl Default for TagTexts {
    fn default() -> Self {
        Self((0..u16::MAX).map(|_| AtomicU32::new(0)).collect())
    }
}

impl fmt::Debug for TagTexts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TagTexts")
    }
}
