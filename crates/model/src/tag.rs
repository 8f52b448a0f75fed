//! Pool tags: the four bytes that name who allocated.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, de};

pub use pattern::{TagMap, TagPattern};

mod pattern;

/// One of the two kernel pools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pool {
    /// May be written to the page file.
    Paged,
    /// Always resident.
    Nonpaged,
}

impl Pool {
    /// Both, in the order in which pages and tables show them.
    pub const ALL: [Self; 2] = [Self::Nonpaged, Self::Paged];

    /// The word for it: `paged` or `nonpaged`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Paged => "paged",
            Self::Nonpaged => "nonpaged",
        }
    }
}

impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A pool tag: any four bytes, in the order in which tools print them. Case matters.
///
/// Its text form is canonical and reversible: printable ASCII stands for itself, trailing spaces
/// are left out, and everything else (and the backslash) is written `\xNN`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoolTag([u8; 4]);

/// A text that is no pool tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a pool tag has one to four characters, each printable ASCII or \\xNN")]
pub struct BadTag;

impl PoolTag {
    /// The tag of these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    /// The bytes of the tag, first letter first.
    #[must_use]
    pub const fn bytes(self) -> [u8; 4] {
        self.0
    }

    /// The tag without the protection bit that kernels before Windows 8 set in its last byte.
    #[must_use]
    pub const fn unprotected(self) -> Self {
        let [a, b, c, d] = self.0;
        Self([a, b, c, d & 0x7F])
    }

    /// The tag of the kernel objects of a type: its name's first four letters, padded with spaces.
    ///
    /// ```
    /// # use poolwatch_model::PoolTag;
    /// assert_eq!(PoolTag::of_object_type("Thread"), PoolTag::new(*b"Thre"));
    /// assert_eq!(PoolTag::of_object_type("Key"), PoolTag::new(*b"Key "));
    /// ```
    #[must_use]
    pub fn of_object_type(type_name: &str) -> Self {
        let mut bytes = [b' '; 4];
        for (to, from) in bytes.iter_mut().zip(type_name.bytes()) {
            *to = from;
        }
        Self(bytes)
    }
}

impl fmt::Display for PoolTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        let kept = self.0.iter().rposition(|b| *b != b' ').map_or(0, |last| last + 1);
        let mut text = String::with_capacity(4);
        if kept == 0 {
            text.push_str("\\x20");
        }
        for &byte in &self.0[..kept] {
            match byte {
                b'\\' => text.push_str("\\x5c"),
                b' '..=b'~' => text.push(char::from(byte)),
                _ => write!(text, "\\x{byte:02x}")?,
            }
        }
        f.pad(&text)
    }
}

impl fmt::Debug for PoolTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PoolTag({self})")
    }
}

impl FromStr for PoolTag {
    type Err = BadTag;

    fn from_str(text: &str) -> Result<Self, BadTag> {
        let mut bytes = [b' '; 4];
        let mut rest = text.as_bytes();
        let mut length = 0;
        while let Some((&first, tail)) = rest.split_first() {
            let slot = bytes.get_mut(length).ok_or(BadTag)?;
            (*slot, rest) = match (first, tail) {
                (b'\\', [b'x', high, low, tail @ ..]) => {
                    let digit = |d: u8| char::from(d).to_digit(16).ok_or(BadTag);
                    ((digit(*high)? << 4 | digit(*low)?) as u8, tail)
                }
                (b'\\', _) => return Err(BadTag),
                (b' '..=b'~', tail) => (first, tail),
                _ => return Err(BadTag),
            };
            length += 1;
        }
        if length == 0 { Err(BadTag) } else { Ok(Self(bytes)) }
    }
}

impl Serialize for PoolTag {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PoolTag {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// How far a tag table's allocation counts can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AllocCounting {
    /// The low 32 bits of the true counts (information class 22): they wrap.
    Wrapping32,
    /// Full counts (information class 255, texts of tools).
    Full64,
    /// Only what is outstanding is known; `allocs` is 0 and means nothing (`!poolused 2`).
    OutstandingOnly,
}

/// One tag's use of one pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TagCounters {
    /// Bytes outstanding.
    pub bytes: u64,
    /// Allocations minus frees.
    pub outstanding: u64,
    /// Allocations since boot, as far as [`AllocCounting`] says.
    #[serde(default)]
    pub allocs: u64,
}

impl TagCounters {
    /// Whether nothing was ever counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// One tag's use of both pools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagUse {
    /// The tag.
    pub tag: PoolTag,
    /// Its use of paged pool.
    #[serde(default)]
    pub paged: TagCounters,
    /// Its use of nonpaged pool.
    #[serde(default)]
    pub nonpaged: TagCounters,
}

impl TagUse {
    /// A tag that uses nothing.
    #[must_use]
    pub fn empty(tag: PoolTag) -> Self {
        Self { tag, paged: TagCounters::default(), nonpaged: TagCounters::default() }
    }

    /// The tag's use of `pool`.
    #[must_use]
    pub const fn of(&self, pool: Pool) -> &TagCounters {
        match pool {
            Pool::Paged => &self.paged,
            Pool::Nonpaged => &self.nonpaged,
        }
    }

    /// The tag's use of `pool`, to be changed.
    pub const fn of_mut(&mut self, pool: Pool) -> &mut TagCounters {
        match pool {
            Pool::Paged => &mut self.paged,
            Pool::Nonpaged => &mut self.nonpaged,
        }
    }
}

/// The pool tags of a host at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagTable {
    /// What the allocation counts mean.
    pub counting: AllocCounting,
    /// Whether a tag that is missing from `rows` uses no pool. False for excerpts.
    pub complete: bool,
    /// One row per tag, sorted by tag.
    pub rows: Vec<TagUse>,
}

impl TagTable {
    /// A table of `rows` in any order; of rows with the same tag the counters are added up.
    #[must_use]
    pub fn new(counting: AllocCounting, complete: bool, mut rows: Vec<TagUse>) -> Self {
        rows.sort_by_key(|row| row.tag);
        rows.dedup_by(|row, kept| {
            let same = row.tag == kept.tag;
            if same {
                for pool in Pool::ALL {
                    let (from, to) = (row.of(pool), kept.of_mut(pool));
                    to.bytes = to.bytes.saturating_add(from.bytes);
                    to.outstanding = to.outstanding.saturating_add(from.outstanding);
                    to.allocs = to.allocs.saturating_add(from.allocs);
                }
            }
            same
        });
        Self { counting, complete, rows }
    }

    /// The row of a tag.
    #[must_use]
    pub fn get(&self, tag: PoolTag) -> Option<&TagUse> {
        self.rows.binary_search_by_key(&tag, |row| row.tag).ok().map(|at| &self.rows[at])
    }

    /// Frees since boot, where they are known.
    #[must_use]
    pub fn frees(&self, counters: &TagCounters) -> Option<u64> {
        match self.counting {
            AllocCounting::Wrapping32 => {
                Some(u64::from((counters.allocs as u32).wrapping_sub(counters.outstanding as u32)))
            }
            AllocCounting::Full64 => Some(counters.allocs.saturating_sub(counters.outstanding)),
            AllocCounting::OutstandingOnly => None,
        }
    }

    /// The bytes of all tags in `pool`.
    #[must_use]
    pub fn total(&self, pool: Pool) -> u64 {
        self.rows.iter().fold(0, |sum, row| sum.saturating_add(row.of(pool).bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tag_text_is_canonical_and_reversible() {
        for (bytes, text) in [
            (*b"Thre", "Thre"),
            (*b"Io  ", "Io"),
            (*b"    ", "\\x20"),
            (*b" a b", " a b"),
            (*b"Pro\xe3", "Pro\\xe3"),
            (*b"a\\<&", "a\\x5c<&"),
            ([0, 0, 0, 0], "\\x00\\x00\\x00\\x00"),
        ] {
            let tag = PoolTag::new(bytes);
            assert_eq!(tag.to_string(), text);
            assert_eq!(text.parse(), Ok(tag));
        }
        for bad in ["", "12345", "\\x4", "\\y41", "ü"] {
            assert_eq!(bad.parse::<PoolTag>(), Err(BadTag), "{bad}");
        }
    }

    #[test]
    fn protected_tags_lose_their_high_bit() {
        assert_eq!(PoolTag::new(*b"Pro\xe3").unprotected(), PoolTag::new(*b"Proc"));
    }

    #[test]
    fn frees_survive_a_wrapped_allocation_counter() {
        let table = TagTable::new(AllocCounting::Wrapping32, true, vec![]);
        let counters = TagCounters { bytes: 0, outstanding: 10, allocs: 3 };
        assert_eq!(table.frees(&counters), Some(u64::from(u32::MAX) - 6));
    }

    #[test]
    fn rows_of_one_tag_are_one_row() {
        let row = |bytes| TagUse {
            tag: PoolTag::new(*b"File"),
            paged: TagCounters { bytes, outstanding: 1, allocs: 2 },
            nonpaged: TagCounters::default(),
        };
        let table = TagTable::new(AllocCounting::Full64, false, vec![row(5), row(7)]);
        assert_eq!(table.rows.len(), 1);
        assert_eq!(table.total(Pool::Paged), 12);
    }
}
