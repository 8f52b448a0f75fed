//! Leaks that are publicly known, with what mends them.

use std::sync::LazyLock;

use poolwatch_model::{Pool, PoolTag};

/// A leak that is publicly known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownLeak {
    /// The tag that grows.
    pub tag: PoolTag,
    /// In which pool.
    pub pool: Pool,
    /// What leaks.
    pub kind: LeakKind,
    /// Its name.
    pub name: &'static str,
    /// Whether the tag is its own. Else others use it as well, and the leak is worth a word only
    /// where this driver or program is known to run.
    pub by_tag_alone: bool,
    /// The versions that have it, in words.
    pub versions: &'static str,
    /// What to do.
    pub remedy: &'static str,
    /// Where that can be read.
    pub reference: &'static str,
}

/// What leaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LeakKind {
    /// A driver.
    Driver,
    /// A program.
    Program,
}

static LEAKS: LazyLock<Vec<KnownLeak>> = LazyLock::new(|| TABLE.lines().filter_map(read).collect());

const TABLE: &str = include_str!("../../data/known_leaks.tsv");

/// Known leaks of a tag.
pub fn known_leaks(tag: PoolTag) -> impl Iterator<Item = &'static KnownLeak> {
    let tag = tag.unprotected();
    LEAKS.iter().filter(move |leak| leak.tag == tag)
}

/// Known leaks of a driver, by its file name.
pub fn known_leaks_of_driver(name: &str) -> impl Iterator<Item = &'static KnownLeak> {
    let is_its = move |leak: &&KnownLeak| {
        leak.kind == LeakKind::Driver && leak.name.eq_ignore_ascii_case(name)
    };
    LEAKS.iter().filter(is_its)
}

fn read(line: &'static str) -> Option<KnownLeak> {
    let mut columns = line.split('\t');
    let mut next = || columns.next();
    Some(KnownLeak {
        tag: PoolTag::new(next()?.as_bytes().try_into().ok()?),
        pool: match next()? {
            "N" => Pool::Nonpaged,
            "P" => Pool::Paged,
            _ => return None,
        },
        kind: match next()? {
            "driver" => LeakKind::Driver,
            "program" => LeakKind::Program,
            _ => return None,
        },
        name: next()?,
        by_tag_alone: match next()? {
            "alone" => true,
            "loaded" => false,
            _ => return None,
        },
        versions: next()?,
        remedy: next()?,
        reference: next()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::entry;

    #[test]
    fn every_row_reads_and_has_a_reference() {
        let rows = TABLE.lines().filter(|line| !line.starts_with("# "));
        assert_eq!(LEAKS.len(), rows.count());
        for leak in LEAKS.iter() {
            assert!(leak.reference.starts_with("http"), "{leak:?}");
            assert!(leak.remedy.ends_with('.'), "{leak:?}");
        }
    }

    #[test]
    fn a_tag_that_others_use_accuses_nobody_by_itself() {
        for leak in LEAKS.iter().filter(|leak| leak.by_tag_alone) {
            let of_others = entry(leak.tag).is_some_and(|entry| {
                entry.shared || entry.object_type.is_some() || entry.owner == "nt"
            });
            assert!(!of_others, "{leak:?}");
        }
    }
}
