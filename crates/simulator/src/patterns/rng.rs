//! Chance that repeats by seed.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use uuid::{Builder, Uuid};

/// What a stream of chance decides. Each subject has its own stream, so that a change to one part
/// of the simulation leaves the others as they were.
#[derive(Debug, Clone, Copy)]
pub enum Subject {
    /// Which tags exist.
    Catalogue = 1,
    /// What a host is.
    Host = 2,
    /// Its identifiers.
    Identity = 3,
    /// When it restarts.
    Boots = 4,
    /// Identity of a boot, and how long it was down.
    BootId = 5,
    /// Its tags.
    Tags = 6,
    /// Its processes.
    Processes = 7,
    /// What happens by the minute.
    Ticks = 8,
    /// What is installed.
    Inventory = 9,
    /// What is planted.
    Causes = 10,
    /// Hosts of load tests.
    Load = 11,
}

/// A stream of chance.
#[derive(Debug, Clone)]
pub struct SeededRng(ChaCha8Rng);

impl SeededRng {
    /// The stream of a key: the seed first, then what tells streams apart.
    #[must_use]
    pub fn new(words: [u64; 4]) -> Self {
        let mut key = [0; 32];
        for (slot, word) in key.chunks_exact_mut(8).zip(words) {
            slot.copy_from_slice(&word.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// The stream of a subject: of the host `host` and its part `part`, where there are several.
    #[must_use]
    pub fn of_subject(seed: u64, subject: Subject, host: usize, part: usize) -> Self {
        Self::new([seed, subject as u64, host as u64, part as u64])
    }

    /// Any 32 bits.
    pub fn next_bits(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// From 0 up to, not including, 1. 32 bits are plenty and divide exactly.
    pub fn fraction(&mut self) -> f64 {
        f64::from(self.next_bits()) / 4_294_967_296.0
    }

    /// From 0 up to, not including, `end`.
    pub fn integer_below(&mut self, end: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(end)) >> 64) as u64
    }

    /// From `first` to `last`, both included.
    pub fn integer_between(&mut self, first: i64, last: i64) -> i64 {
        first + self.integer_below(last.abs_diff(first) + 1) as i64
    }

    /// A place below `end`, by 32 bits.
    pub fn index_below(&mut self, end: usize) -> usize {
        ((self.fraction() * end as f64) as usize).min(end.saturating_sub(1))
    }

    /// Between two numbers, evenly.
    pub fn float_between(&mut self, least: f64, most: f64) -> f64 {
        least + (most - least) * self.fraction()
    }

    /// Between two positive numbers, each magnitude as likely as the other.
    pub fn log_uniform(&mut self, least: f64, most: f64) -> f64 {
        (self.float_between(least.ln(), most.ln())).exp()
    }

    /// From -1 up to, not including, 1, evenly.
    pub fn uniform_swing(&mut self) -> f64 {
        self.fraction() * 2.0 - 1.0
    }

    /// Around 0 with deviation 1, nearly normal: the sum of four even ones.
    pub fn normal_swing(&mut self) -> f64 {
        let bits = self.0.next_u64();
        let sum: u64 = (0..4).map(|part| bits >> (16 * part) & 0xFFFF).sum();
        (sum as f64 / 65_536.0 - 2.0) * 3.0_f64.sqrt()
    }

    /// True with this probability.
    pub fn happens(&mut self, probability: f64) -> bool {
        self.fraction() < probability
    }

    /// True in `percent` of a hundred cases.
    pub fn percent_chance(&mut self, percent: u64) -> bool {
        self.integer_below(100) < percent
    }

    /// One of several; they must not be empty.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.integer_below(of.len() as u64) as usize]
    }

    /// A random UUID.
    pub fn uuid(&mut self) -> Uuid {
        let mut bytes = [0; 16];
        self.0.fill_bytes(&mut bytes);
        Builder::from_random_bytes(bytes).into_uuid()
    }
}

/// Bits that look like chance and follow from a number alone (the finaliser of SplitMix64): what
/// is made of them needs no state.
#[must_use]
pub fn mix_bits(number: u64) -> u64 {
    let mut bits = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ bits >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ bits >> 31
}
