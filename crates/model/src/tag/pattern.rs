//! Groups of tags by wildcards, as `pooltag.txt` writes them.

use std::{cmp::Reverse, collections::HashMap, fmt};

use super::PoolTag;

/// One tag, or a group of tags: `?` stands for any one character, `*` for any number of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TagPattern {
    bytes: [u8; 4],
    is_wildcard: bool,
}

impl TagPattern {
    /// The pattern that is spelled like a tag; a wildcard may not be the first of its characters.
    #[must_use]
    pub fn new(spelled: PoolTag) -> Option<Self> {
        let bytes = spelled.bytes();
        let is_wildcard = bytes.iter().any(|b| matches!(b, b'?' | b'*'));
        (!matches!(bytes[0], b'?' | b'*')).then_some(Self { bytes, is_wildcard })
    }

    /// The pattern of one tag, whatever its characters.
    #[must_use]
    pub const fn of(tag: PoolTag) -> Self {
        Self { bytes: tag.bytes(), is_wildcard: false }
    }

    /// The tag, unless the pattern has wildcards.
    #[must_use]
    pub fn as_tag(self) -> Option<PoolTag> {
        (!self.is_wildcard).then_some(PoolTag::new(self.bytes))
    }

    /// Whether a tag is one of these.
    #[must_use]
    pub fn matches(self, tag: PoolTag) -> bool {
        fn rest(pattern: &[u8], tag: &[u8]) -> bool {
            match (pattern.split_first(), tag.split_first()) {
                (None, None) => true,
                // Spaces only pad a pattern that has used up the tag.
                (Some((b' ', pattern)), None) => rest(pattern, tag),
                (Some((b'*', pattern)), _) => (0..=tag.len()).any(|at| rest(pattern, &tag[at..])),
                (Some((b'?', pattern)), Some((_, tag))) => rest(pattern, tag),
                (Some((literal, pattern)), Some((byte, tag))) => {
                    literal == byte && rest(pattern, tag)
                }
                _ => false,
            }
        }
        if self.is_wildcard { rest(&self.bytes, &tag.bytes()) } else { self.bytes == tag.bytes() }
    }

    /// How many of its characters stand for themselves.
    fn literals(self) -> usize {
        let padding = self.bytes.iter().rev().take_while(|b| **b == b' ').count();
        self.bytes[..4 - padding].iter().filter(|b| !matches!(b, b'?' | b'*')).count()
    }
}

impl fmt::Display for TagPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&PoolTag::new(self.bytes), f)
    }
}

/// Something known of tags and of groups of tags. A tag's own entry beats a group's, and of groups
/// the one with most literal characters counts.
#[derive(Debug, Clone)]
pub struct TagMap<T> {
    exact: HashMap<PoolTag, T>,
    /// Most literal characters first, then in the order in which they came.
    wildcards: Vec<(TagPattern, T)>,
}

impl<T> Default for TagMap<T> {
    fn default() -> Self {
        Self { exact: HashMap::new(), wildcards: Vec::new() }
    }
}

impl<T> TagMap<T> {
    /// Enters what is known of a pattern, in place of what was known of the same one.
    pub fn insert(&mut self, pattern: TagPattern, value: T) {
        if let Some(tag) = pattern.as_tag() {
            self.exact.insert(tag, value);
            return;
        }
        match self.wildcards.iter_mut().find(|(known, _)| *known == pattern) {
            Some((_, known)) => *known = value,
            None => {
                let before = |known: &TagPattern| known.literals() >= pattern.literals();
                let at = self.wildcards.partition_point(|(known, _)| before(known));
                self.wildcards.insert(at, (pattern, value));
            }
        }
    }

    /// What is known of a pattern itself.
    #[must_use]
    pub fn own(&self, pattern: TagPattern) -> Option<&T> {
        match pattern.as_tag() {
            Some(tag) => self.exact.get(&tag),
            None => Some(&self.wildcards.iter().find(|(known, _)| *known == pattern)?.1),
        }
    }

    /// What is known of a tag.
    #[must_use]
    pub fn get(&self, tag: PoolTag) -> Option<&T> {
        let of_group = || self.wildcards.iter().find(|(pattern, _)| pattern.matches(tag));
        self.exact.get(&tag).or_else(|| Some(&of_group()?.1))
    }

    /// Patterns and what is known of them, by tag, then groups from the closest to the widest.
    #[must_use]
    pub fn entries(&self) -> Vec<(TagPattern, &T)> {
        let mut exact: Vec<_> =
            self.exact.iter().map(|(tag, value)| (TagPattern::of(*tag), value)).collect();
        exact.sort_by_key(|(pattern, _)| pattern.bytes);
        let mut groups: Vec<_> =
            self.wildcards.iter().map(|(pattern, value)| (*pattern, value)).collect();
        groups.sort_by_key(|(pattern, _)| (Reverse(pattern.literals()), pattern.bytes));
        exact.extend(groups);
        exact
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.exact.len() + self.wildcards.len()
    }

    /// Whether it has no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Option<TagPattern> {
        TagPattern::new(text.parse().unwrap())
    }

    #[test]
    fn wildcards_stand_for_one_or_any_number_of_characters() {
        for (text, tag, matches) in [
            ("Ab?", *b"Abx ", true),
            ("Ab?", *b"Abxy", false),
            ("A*", *b"A   ", true),
            ("A*", *b"Abcd", true),
            ("A*d", *b"Abcd", true),
            ("A*d", *b"Abce", false),
            ("Abcd", *b"Abcd", true),
            ("Abcd", *b"ABcd", false),
        ] {
            let found = pattern(text).unwrap().matches(PoolTag::new(tag));
            assert_eq!(found, matches, "{text} {tag:?}");
        }
        assert_eq!(pattern("*abc"), None);
        assert!(TagPattern::of(PoolTag::new(*b"?abc")).matches(PoolTag::new(*b"?abc")));
    }

    #[test]
    fn the_closest_pattern_counts_whatever_the_order() {
        let mut map = TagMap::default();
        for text in ["A*", "Abc?", "Ab*", "Abcd", "Ab??"] {
            map.insert(pattern(text).unwrap(), text);
        }
        map.insert(pattern("A*").unwrap(), "again");
        for (tag, found) in [
            (*b"Abcd", Some("Abcd")),
            (*b"Abce", Some("Abc?")),
            (*b"Abxy", Some("Ab*")),
            (*b"Axyz", Some("again")),
            (*b"Bxyz", None),
        ] {
            assert_eq!(map.get(PoolTag::new(tag)).copied(), found);
        }
        assert_eq!(map.len(), 5);
        let order: Vec<_> = map.entries().iter().map(|(pattern, _)| pattern.to_string()).collect();
        assert_eq!(order, ["Abcd", "Abc?", "Ab*", "Ab??", "A*"]);
    }
}
