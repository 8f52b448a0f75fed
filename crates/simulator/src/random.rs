//! Chance that repeats by seed.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use uuid::{Builder, Uuid};

/// What a stream of chance decides. Each subject has its own stream, so that a change to one part
/// of the simulation leaves the others as they were.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Subject {
    Catalogue = 1,
    Host = 2,
    Identity = 3,
    Boots = 4,
    BootId = 5,
    Tags = 6,
    Processes = 7,
    Ticks = 8,
    Inventory = 9,
    Causes = 10,
    Load = 11,
}

/// A stream of chance.
#[derive(Debug, Clone)]
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    /// The stream of a subject: of the host `host` and its part `part`, where there are several.
    pub(crate) fn new(seed: u64, subject: Subject, host: usize, part: usize) -> Self {
        let mut key = [0; 32];
        let words = [seed, subject as u64, host as u64, part as u64];
        for (slot, word) in key.chunks_exact_mut(8).zip(words) {
            slot.copy_from_slice(&word.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// Any 32 bits.
    pub(crate) fn bits(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// From 0 up to, not including, `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(end)) >> 64) as u64
    }

    /// From `first` to `last`, both included.
    pub(crate) fn between(&mut self, first: i64, last: i64) -> i64 {
        first + self.below(last.abs_diff(first) + 1) as i64
    }

    /// From 0 up to, not including, 1.
    pub(crate) fn share(&mut self) -> f64 {
        // 32 bits are plenty and divide exactly.
        f64::from(self.bits()) / 4_294_967_296.0
    }

    /// From -1 up to, not including, 1.
    pub(crate) fn swing(&mut self) -> f64 {
        self.share() * 2.0 - 1.0
    }

    /// True in `percent` of a hundred cases.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of several; they must not be empty.
    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }

    /// A random UUID.
    pub(crate) fn uuid(&mut self) -> Uuid {
        let mut bytes = [0; 16];
        self.0.fill_bytes(&mut bytes);
        Builder::from_random_bytes(bytes).into_uuid()
    }
}
