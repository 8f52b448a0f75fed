//! What well-known tags stand for, in our own words.

use std::sync::LazyLock;

use poolwatch_model::PoolTag;

/// What a tag stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The tag.
    pub tag: PoolTag,
    /// Who owns it: a part of Windows or a driver file.
    pub owner: &'static str,
    /// What it counts.
    pub meaning: &'static str,
    /// Whether many drivers use it, so that the name alone points to nobody.
    pub shared: bool,
}

/// The built-in catalogue, sorted by tag.
static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let mut entries: Vec<Entry> = TABLE.lines().filter_map(read).collect();
    entries.sort_by_key(|entry| entry.tag);
    entries
});

const TABLE: &str = include_str!("../data/tags.tsv");

/// What is known of a tag. Protected tags of old kernels are found as well.
#[must_use]
pub fn entry(tag: PoolTag) -> Option<&'static Entry> {
    let tag = tag.unprotected();
    ENTRIES.binary_search_by_key(&tag, |entry| entry.tag).ok().map(|at| &ENTRIES[at])
}

fn read(line: &'static str) -> Option<Entry> {
    if line.starts_with("# ") {
        return None;
    }
    let mut columns = line.split('\t');
    let tag = columns.next()?.as_bytes().try_into().ok()?;
    let (_pool, owner, meaning) = (columns.next()?, columns.next()?, columns.next()?);
    let shared = columns.nth(1) == Some("shared");
    Some(Entry { tag: PoolTag::new(tag), owner, meaning, shared })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_tags_are_known() {
        assert_eq!(entry(PoolTag::new(*b"Thre")).map(|entry| entry.owner), Some("nt"));
        assert_eq!(entry(PoolTag::new(*b"Pro\xe3")), entry(PoolTag::new(*b"Proc")));
        assert_eq!(entry(PoolTag::new(*b"zzzz")), None);
        let rows = TABLE.lines().filter(|line| !line.starts_with("# ")).count();
        assert_eq!(ENTRIES.len(), rows, "every row reads");
        assert!(ENTRIES.windows(2).all(|pair| pair[0].tag < pair[1].tag));
    }

    #[test]
    fn shared_tags_are_marked() {
        for tag in ["Ddk", "None", "Strg", "Cont", "Io", "Mdl", "Irp"] {
            let entry = entry(tag.parse().unwrap());
            assert!(entry.is_some_and(|entry| entry.shared), "{tag}");
        }
    }
}
