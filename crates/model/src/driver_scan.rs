//! What the code of a driver's file tells of the pool tags that it uses.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, de};

use crate::PoolTag;

/// The SHA-256 of a file; 64 hexadecimal digits as text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileHash([u8; 32]);

/// A text that is no SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a SHA-256 has 64 hexadecimal digits")]
pub struct BadHash;

impl FileHash {
    /// The hash of these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn bytes(self) -> [u8; 32] {
        self.0
    }
}

impl fmt::Display for FileHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for FileHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileHash({self})")
    }
}

impl FromStr for FileHash {
    type Err = BadHash;

    fn from_str(text: &str) -> Result<Self, BadHash> {
        let text = text.as_bytes();
        let mut bytes = [0; 32];
        if text.len() != 2 * bytes.len() {
            return Err(BadHash);
        }
        for (byte, digits) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            let digit = |at: usize| char::from(digits[at]).to_digit(16).ok_or(BadHash);
            *byte = (digit(0)? << 4 | digit(1)?) as u8;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for FileHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FileHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// What a scan of one driver file found. The same file gives the same on every host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriverScan {
    /// Which file.
    pub sha256: FileHash,
    /// The tags that it may use, the likeliest first.
    #[serde(default)]
    pub tags: Vec<FoundTag>,
    /// Whether the file could not be read to its end, so that tags may be missing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_partial: bool,
}

/// A pool tag in a driver's code, with how often it stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundTag {
    /// The tag.
    pub tag: PoolTag,
    /// Calls that allocate pool under it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub allocations: u32,
    /// Calls that free pool under it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub frees: u32,
    /// Where it is passed as such calls take a tag, but to a function of the driver's own.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub arguments: u32,
    /// Where it is any other number in the code.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub numbers: u32,
    /// Whether the framework of drivers (KMDF) makes it of the service's name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_service_name: bool,
}

/// A driver that is at least this likely by its code counts as an owner of a tag.
pub const OWNS: f32 = 0.5;

impl FoundTag {
    /// A tag that was not found yet.
    #[must_use]
    pub const fn new(tag: PoolTag) -> Self {
        Self { tag, allocations: 0, frees: 0, arguments: 0, numbers: 0, is_service_name: false }
    }

    /// How likely the driver is to allocate under the tag, 0 to 1, by what its code shows alone.
    #[must_use]
    pub fn likelihood(&self) -> f32 {
        let alone = [
            (self.allocations > 0, 0.9),
            (self.frees > 0, 0.7),
            (self.is_service_name, 0.65),
            (self.arguments > 1, 0.5),
            (self.arguments > 0, 0.4),
            (self.numbers > 1, 0.15),
            (self.numbers > 0, 0.1),
        ];
        // Each further sign removes a fifth of the doubt that is left.
        let mut signs = alone.into_iter().filter(|(there, _)| *there).map(|(_, sure)| sure);
        let first = signs.next().unwrap_or(0.0);
        signs.fold(first, |sure, next: f32| sure + (1.0 - sure) * next / 5.0)
    }
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_comes_back_from_its_text() {
        let hash = FileHash::new(std::array::from_fn(|at| at as u8 * 7));
        assert_eq!(hash.to_string().parse(), Ok(hash));
        for bad in ["", "00", &"0".repeat(63), &"g".repeat(64), &"é".repeat(32)] {
            assert_eq!(bad.parse::<FileHash>(), Err(BadHash), "{bad}");
        }
    }

    #[test]
    fn a_call_that_allocates_tells_more_than_any_other_sign() {
        let tag = FoundTag::new(PoolTag::new(*b"Fooq"));
        let ranked = [
            FoundTag { allocations: 1, frees: 1, ..tag },
            FoundTag { allocations: 1, ..tag },
            FoundTag { frees: 2, arguments: 3, ..tag },
            FoundTag { frees: 1, ..tag },
            FoundTag { is_service_name: true, ..tag },
            FoundTag { arguments: 2, ..tag },
            FoundTag { arguments: 1, ..tag },
            FoundTag { numbers: 9, ..tag },
            FoundTag { numbers: 1, ..tag },
            tag,
        ];
        let sure: Vec<f32> = ranked.iter().map(FoundTag::likelihood).collect();
        assert!(sure.is_sorted_by(|a, b| a > b), "{sure:?}");
        assert!(sure[0] < 1.0 && sure[9] == 0.0);
    }
}
