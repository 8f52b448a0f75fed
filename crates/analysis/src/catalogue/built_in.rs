//! Well-known tags in our own words.

use std::{collections::HashMap, sync::LazyLock};

use poolwatch_model::{
    Pool, PoolTag,
    tag::{TagMap, TagPattern},
};

/// What a tag, or a group of tags, stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The tag, or the group.
    pub pattern: TagPattern,
    /// Its pool, where it is always the same one.
    pub pool: Option<Pool>,
    /// Who owns it: a part of Windows or a driver file.
    pub owner: &'static str,
    /// The kernel object type that it counts.
    pub object_type: Option<&'static str>,
    /// Whether it is a cache, which grows after a start and then holds.
    pub cache: bool,
    /// Whether many drivers use it, so that the name alone points to nobody.
    pub shared: bool,
    /// How sure that is.
    pub certainty: Certainty,
    /// What it counts.
    pub meaning: &'static str,
}

/// How sure an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Certainty {
    /// A guess.
    Guess,
    /// Likely, from the naming of the component.
    Likely,
    /// Documented, or derived from documented naming.
    Documented,
    /// Seen with this meaning in public analyses.
    Seen,
}

static ENTRIES: LazyLock<TagMap<Entry>> = LazyLock::new(|| {
    let mut entries = TagMap::default();
    for entry in TABLE.lines().filter_map(read) {
        entries.insert(entry.pattern, entry);
    }
    entries
});

const TABLE: &str = include_str!("../../data/tags.tsv");

/// What is known of a tag by itself. Protected tags of old kernels are found as well.
///
/// Only such an entry may accuse its owner: a group tells merely where a tag may belong.
#[must_use]
pub fn entry(tag: PoolTag) -> Option<&'static Entry> {
    ENTRIES.own(TagPattern::of(tag.unprotected()))
}

/// What is known of a tag by itself, else of the closest group of tags that are named like it.
#[must_use]
pub fn group(tag: PoolTag) -> Option<&'static Entry> {
    ENTRIES.get(tag.unprotected())
}

/// The tags, and groups of tags, of an owner by its name.
#[must_use]
pub fn owned_by(owner: &str) -> &'static [&'static Entry] {
    static BY_OWNER: LazyLock<HashMap<String, Vec<&'static Entry>>> = LazyLock::new(|| {
        let mut owners: HashMap<String, Vec<&Entry>> = HashMap::new();
        for (_, entry) in ENTRIES.entries().into_iter().filter(|(_, entry)| !entry.shared) {
            owners.entry(entry.owner.to_lowercase()).or_default().push(entry);
        }
        owners
    });
    BY_OWNER.get(&owner.to_lowercase()).map(Vec::as_slice).unwrap_or_default()
}

fn read(line: &'static str) -> Option<Entry> {
    if line.starts_with("# ") {
        return None;
    }
    let mut columns = line.split('\t');
    let tag = PoolTag::new(columns.next()?.as_bytes().try_into().ok()?);
    let pool = match columns.next()? {
        "N" => Some(Pool::Nonpaged),
        "P" => Some(Pool::Paged),
        _ => None,
    };
    let owner = columns.next()?;
    let object_type = Some(columns.next()?).filter(|name| *name != "-");
    let traits = columns.next()?;
    let has = |wanted: &str| traits.split(',').any(|known| known == wanted);
    let certainty = match columns.next()? {
        "A" => Certainty::Seen,
        "B" => Certainty::Documented,
        "C" => Certainty::Likely,
        "D" => Certainty::Guess,
        _ => return None,
    };
    let meaning = columns.next()?;
    Some(Entry {
        pattern: TagPattern::new(tag)?,
        pool,
        owner,
        object_type,
        cache: has("cache"),
        shared: has("shared"),
        certainty,
        meaning,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(text: &str) -> PoolTag {
        text.parse().unwrap()
    }

    #[test]
    fn well_known_tags_are_known() {
        assert_eq!(entry(tag("Thre")).map(|entry| entry.owner), Some("nt"));
        assert_eq!(entry(PoolTag::new(*b"Pro\xe3")), entry(tag("Proc")));
        assert_eq!(entry(tag("zzzz")), None);
    }

    #[test]
    fn an_owner_is_found_in_any_case_with_all_its_tags() {
        let tags: Vec<String> =
            owned_by("NTFS.sys").iter().map(|entry| entry.pattern.to_string()).collect();
        assert!(tags.len() > 5 && tags.iter().all(|tag| tag.starts_with('N')), "{tags:?}");
        assert!(owned_by("none-such.sys").is_empty());
    }

    #[test]
    fn every_row_reads_and_is_the_only_one_of_its_tag() {
        let rows = TABLE.lines().filter(|line| !line.starts_with("# "));
        let unread: Vec<_> = rows.clone().filter(|line| read(line).is_none()).collect();
        assert_eq!(unread, [""; 0]);
        assert_eq!(ENTRIES.len(), rows.count());
        assert!(ENTRIES.len() > 400, "{}", ENTRIES.len());
        let entries = ENTRIES.entries();
        assert!(entries.iter().all(|(_, one)| one.meaning.len() > 2 && !one.owner.is_empty()));
        let files = entries.iter().filter(|(_, one)| one.owner.ends_with(".sys"));
        for (pattern, one) in files {
            assert!(!one.owner.contains(' '), "{pattern}: one file, so that it can be accused");
        }
    }

    #[test]
    fn object_types_have_the_tag_of_their_name() {
        for (pattern, entry) in ENTRIES.entries() {
            if let Some(name) = entry.object_type {
                assert_eq!(pattern.as_tag(), Some(PoolTag::of_object_type(name)), "{name}");
            }
        }
    }

    #[test]
    fn shared_tags_are_marked() {
        for text in ["Ddk", "None", "Strg", "Cont", "Io", "Mdl", "Irp"] {
            assert!(entry(tag(text)).is_some_and(|entry| entry.shared), "{text}");
        }
    }

    #[test]
    fn a_group_tells_where_a_tag_belongs_and_accuses_nobody() {
        assert_eq!(entry(tag("Ntfz")), None);
        assert_eq!(group(tag("Ntfz")).map(|entry| entry.owner), Some("ntfs.sys"));
        assert_eq!(group(tag("LS2y")).map(|entry| entry.owner), Some("srv2.sys"), "not LS??");
        assert_eq!(group(tag("qqqq")), None);
    }
}
