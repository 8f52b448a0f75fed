//! How full a pool is, and of what.

use poolwatch_model::{
    Bytes, Pool,
    memory::{Ceiling, CeilingSource},
};

/// A pool's use on one host, with what is known of its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolLevel {
    /// Which pool.
    pub pool: Pool,
    /// In use.
    pub used: Option<Bytes>,
    /// Its limit.
    pub ceiling: Option<Ceiling>,
    /// Physical memory of the host.
    pub physical: Option<Bytes>,
}

/// What a share of a pool is a share of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whole {
    /// A limit that was measured on the host.
    Measured,
    /// The documented ceiling.
    Documented,
    /// Physical memory: on current Windows the ceiling of nonpaged pool is no real bound.
    Ram,
}

/// How much attention a level asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pressure {
    /// None.
    Calm,
    /// Some: three quarters of a limit, or a quarter of physical memory.
    Raised,
    /// Much: nine tenths of a limit, or half of physical memory.
    High,
}

impl PoolLevel {
    /// The whole that the use is compared with.
    #[must_use]
    pub fn whole(&self) -> Option<(Bytes, Whole)> {
        let documented = match self.ceiling {
            Some(Ceiling { bytes, source: CeilingSource::Measured }) => {
                return Some((bytes, Whole::Measured));
            }
            Some(Ceiling { bytes, source: CeilingSource::Documented }) => Some(bytes),
            None => None,
        };
        match (documented, self.physical) {
            (Some(ceiling), Some(ram)) if self.pool == Pool::Nonpaged && ceiling >= ram => {
                Some((ram, Whole::Ram))
            }
            (Some(ceiling), _) => Some((ceiling, Whole::Documented)),
            (None, Some(ram)) if self.pool == Pool::Nonpaged => Some((ram, Whole::Ram)),
            (None, _) => None,
        }
    }

    /// The use as a share of the whole.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        Some(self.used?.share_of(self.whole()?.0))
    }

    /// How much attention it asks for.
    #[must_use]
    pub fn pressure(&self) -> Pressure {
        let (Some(share), Some((_, whole))) = (self.share(), self.whole()) else {
            return Pressure::Calm;
        };
        let (raised, high) = if whole == Whole::Ram { (0.25, 0.5) } else { (0.75, 0.9) };
        match share {
            share if share >= high => Pressure::High,
            share if share >= raised => Pressure::Raised,
            _ => Pressure::Calm,
        }
    }

    /// Width of its bar, 0 to 100.
    #[must_use]
    pub fn bar(&self) -> String {
        format!("{:.1}", (self.share().unwrap_or(0.0) * 100.0).clamp(0.0, 100.0))
    }
}

impl Whole {
    /// The word behind a percentage: `97 % of limit`.
    #[must_use]
    pub const fn of(self) -> &'static str {
        match self {
            Self::Measured => "of limit",
            Self::Documented => "of ceiling",
            Self::Ram => "of RAM",
        }
    }

    /// What it is, in full.
    #[must_use]
    pub const fn explained(self) -> &'static str {
        match self {
            Self::Measured => "limit measured on this host",
            Self::Documented => {
                "documented ceiling of this Windows, or commit where that is less; allocation fails earlier"
            }
            Self::Ram => "physical memory; the documented ceiling is no lower",
        }
    }
}

impl Pressure {
    /// Class of its bar.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Raised => "warning",
            Self::High => "critical",
        }
    }

    /// Glyph that goes with the colour.
    #[must_use]
    pub const fn glyph(self) -> &'static str {
        match self {
            Self::Calm => "",
            Self::Raised => "●",
            Self::High => "▲",
        }
    }

    /// Word that goes with the colour.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Calm => "",
            Self::Raised => "raised",
            Self::High => "high",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GB: u64 = 1 << 30;

    #[test]
    fn a_share_is_of_a_limit_only_where_the_limit_is_real() {
        let ceiling = |bytes, source| Some(Ceiling { bytes: Bytes(bytes), source });
        for (pool, ceiling, ram, whole, share, pressure) in [
            (
                Pool::Nonpaged,
                ceiling(217_112 << 10, CeilingSource::Measured),
                Some(GB),
                Some(Whole::Measured),
                Some(0.9665),
                Pressure::High,
            ),
            (
                Pool::Nonpaged,
                ceiling(16 * GB, CeilingSource::Documented),
                Some(GB),
                Some(Whole::Ram),
                Some(0.2001),
                Pressure::Calm,
            ),
            (
                Pool::Nonpaged,
                ceiling(256 << 20, CeilingSource::Documented),
                Some(GB),
                Some(Whole::Documented),
                Some(0.8005),
                Pressure::Raised,
            ),
            (Pool::Nonpaged, None, None, None, None, Pressure::Calm),
            (Pool::Paged, None, Some(GB), None, None, Pressure::Calm),
        ] {
            let used = Some(Bytes(209_844 << 10));
            let level = PoolLevel { pool, used, ceiling, physical: ram.map(Bytes) };
            assert_eq!(level.whole().map(|(_, whole)| whole), whole);
            assert_eq!(level.share().map(|s| (s * 1e4).round() / 1e4), share);
            assert_eq!(level.pressure(), pressure);
        }
    }
}
