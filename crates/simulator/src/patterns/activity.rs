//! When programs work, and how much they do: operations by slots of ten minutes. All chance follows from
//! numbers, so that a slot is known without those before it.

use super::{
    load::{DAY, is_backup_slot, load_of_slot},
    rng::{SeededRng, mix_bits},
};

/// When a program works.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum WorkRhythm {
    /// All the time.
    Always,
    /// With those who work on the host.
    Load,
    /// At night, as backups do.
    Nights,
    /// In sessions that begin at any time.
    Sessions {
        /// Slots of a session.
        length: usize,
        /// The share of all sessions in which it works.
        share: f64,
    },
    /// In jobs of very different sizes, some each day.
    Jobs,
}

/// What a program does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Activity {
    rhythm: WorkRhythm,
    /// Operations of a slot when it works.
    pace: f64,
    /// How far slots and sessions differ, as a share.
    noise: f64,
    salt: u64,
}

impl Activity {
    /// Nothing at all.
    pub const IDLE: Self = Self { rhythm: WorkRhythm::Always, pace: 0.0, noise: 0.0, salt: 0 };

    /// What another one does in the same rhythm, as much but at times of its own.
    #[must_use]
    pub fn another(&self, rng: &mut SeededRng) -> Self {
        Self { salt: u64::from(rng.next_bits()), ..*self }
    }

    /// What some program does: most work all the time or with their people.
    #[must_use]
    pub fn draw(rng: &mut SeededRng) -> Self {
        let rhythm = match rng.index_below(10) {
            0..3 => WorkRhythm::Always,
            3..7 => WorkRhythm::Load,
            7 => WorkRhythm::Nights,
            _ => WorkRhythm::Sessions {
                length: 3 + rng.index_below(30),
                share: rng.float_between(0.1, 0.6),
            },
        };
        Self::by_rhythm(rhythm, rng)
    }

    /// What a program with a rhythm does.
    #[must_use]
    pub fn by_rhythm(rhythm: WorkRhythm, rng: &mut SeededRng) -> Self {
        Self {
            rhythm,
            pace: rng.log_uniform(50.0, 200_000.0),
            noise: rng.float_between(0.1, 0.6),
            salt: u64::from(rng.next_bits()),
        }
    }

    /// Operations in a slot.
    #[must_use]
    pub fn operations(&self, slot: usize) -> f64 {
        let own = 1.0 + self.noise * self.swing(slot as u64, 1);
        let day = 1.0 + self.noise * self.swing((slot / DAY) as u64, 2);
        let works = match self.rhythm {
            WorkRhythm::Always => 1.0,
            WorkRhythm::Load => load_of_slot(slot),
            WorkRhythm::Nights => f64::from(u8::from(is_backup_slot(slot))),
            WorkRhythm::Sessions { length, share } => {
                let session = (slot / length.max(1)) as u64;
                let is_on = f64::midpoint(self.swing(session, 3), 1.0) < share;
                f64::from(u8::from(is_on)) * (1.0 + self.noise * self.swing(session, 4))
            }
            WorkRhythm::Jobs => {
                // A job in one of a dozen slots, its size with a heavy tail.
                let job = f64::midpoint(self.swing(slot as u64, 5), 1.0);
                if job < 1.0 / 12.0 { (0.02 / job.max(1e-4)).powf(0.6).min(20.0) } else { 0.0 }
            }
        };
        (self.pace * works * own * day).max(0.0)
    }

    /// Between -1 and 1, the same for the same number and subject.
    fn swing(&self, number: u64, subject: u64) -> f64 {
        let bits = mix_bits(self.salt << 32 ^ subject << 24 ^ number);
        (bits >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}
