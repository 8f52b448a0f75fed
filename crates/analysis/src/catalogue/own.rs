//! What the administrator says of tags, over what is built in.

use std::fmt::Write;

use poolwatch_model::{
    PoolTag,
    tag::{TagMap, TagPattern},
};

use super::built_in::{self, Certainty};

/// What somebody wrote of a tag, or of a group of tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The driver or part of Windows that owns it, if it is told.
    pub owner: Option<String>,
    /// What it counts.
    pub meaning: String,
}

/// Where a description is from. The later ones count more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// A group of tags of the built-in catalogue.
    Group,
    /// The built-in catalogue.
    BuiltIn,
    /// The administrator's pooltag.txt.
    Pooltag,
    /// A note of the administrator.
    Note,
}

/// What a tag stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description<'a> {
    /// Who owns it.
    pub owner: Option<&'a str>,
    /// What it counts.
    pub meaning: &'a str,
    /// Where that is from.
    pub source: Source,
    /// How sure that is.
    pub certainty: Certainty,
}

/// The catalogue of one installation.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    notes: TagMap<Note>,
    pooltag: TagMap<Note>,
}

impl Catalogue {
    /// Takes entries of the administrator's pooltag.txt. Of several for one tag the first counts,
    /// unless it tells no owner and a later one does.
    pub fn add_pooltag(&mut self, entries: impl IntoIterator<Item = (TagPattern, Note)>) {
        for (pattern, note) in entries {
            let known = self.pooltag.own(pattern);
            if known.is_none_or(|known| known.owner.is_none() && note.owner.is_some()) {
                self.pooltag.insert(pattern, note);
            }
        }
    }

    /// Takes a note of the administrator, in place of an earlier one.
    pub fn note(&mut self, pattern: TagPattern, note: Note) {
        self.notes.insert(pattern, note);
    }

    /// What a tag stands for, by the best source that says so.
    #[must_use]
    pub fn describe(&self, tag: PoolTag) -> Option<Description<'_>> {
        self.all(tag).into_iter().next()
    }

    /// What a tag itself stands for: what a group of the built-in catalogue says of it is left out.
    #[must_use]
    pub fn own(&self, tag: PoolTag) -> Option<Description<'_>> {
        self.describe(tag).filter(|told| told.source > Source::Group)
    }

    /// The driver that the administrator names for a tag. Parts of Windows allocate for others, so
    /// that their tags accuse nobody.
    #[must_use]
    pub fn named_driver(&self, tag: PoolTag) -> Option<&str> {
        let told = self.describe(tag).filter(|told| told.source >= Source::Pooltag)?;
        let is_file = |owner: &&str| {
            owner.len() > 4 && owner.to_ascii_lowercase().ends_with(".sys") && !owner.contains(' ')
        };
        told.owner.filter(is_file).filter(|_| built_in::group(tag).is_none())
    }

    /// Who may own a tag, by every source that says so, the best first.
    #[must_use]
    pub fn owner_candidates(&self, tag: PoolTag) -> Vec<String> {
        let mut owners: Vec<String> = Vec::new();
        for description in self.all(tag) {
            let Some(owner) = description.owner else { continue };
            if !owners.iter().any(|known| known.eq_ignore_ascii_case(owner)) {
                owners.push(owner.to_owned());
            }
        }
        owners
    }

    fn all(&self, tag: PoolTag) -> Vec<Description<'_>> {
        let tag = tag.unprotected();
        let mut all = Vec::with_capacity(3);
        for (map, source) in [(&self.notes, Source::Note), (&self.pooltag, Source::Pooltag)] {
            if let Some(note) = map.get(tag) {
                let (owner, meaning) = (note.owner.as_deref(), note.meaning.as_str());
                let certainty = Certainty::Documented;
                all.push(Description { owner, meaning, source, certainty });
            }
        }
        if let Some(entry) = built_in::group(tag) {
            let is_group = entry.pattern.as_tag().is_none();
            all.push(Description {
                // Many drivers own a shared tag, so nobody does.
                owner: (!entry.shared).then_some(entry.owner),
                meaning: entry.meaning,
                source: if is_group { Source::Group } else { Source::BuiltIn },
                certainty: entry.certainty,
            });
        }
        all
    }
}

/// Tags that people named, as the text of a pooltag.txt, which poolmon and debuggers read.
///
/// Line ends and the signs that part fields are taken out of the names; tags that cannot be written
/// there (with bytes that are not printable, or wildcards as letters) are left out.
#[must_use]
pub fn to_pooltag_txt<'a>(named: impl IntoIterator<Item = (TagPattern, &'a Note)>) -> String {
    let mut text = String::from("rem Tags named in Poolwatch\r\n");
    for (pattern, note) in named {
        let spelled = match pattern.as_tag() {
            Some(tag) => tag.bytes(),
            None => match pattern.to_string().parse::<PoolTag>() {
                Ok(tag) => tag.bytes(),
                Err(_) => continue,
            },
        };
        let is_plain = spelled.iter().all(|byte| (b' '..=b'~').contains(byte))
            && (pattern.as_tag().is_none() || !spelled.iter().any(|byte| b"?*".contains(byte)));
        if !is_plain || spelled[0] == b' ' {
            continue;
        }
        let tag = String::from_utf8_lossy(&spelled).into_owned();
        let owner = note.owner.as_deref().map_or("<unknown>".to_owned(), one_field);
        let _infallible = write!(text, "{tag} - {owner} - {}\r\n", one_field(&note.meaning));
    }
    text
}

/// A text that stays one field of one line.
fn one_field(text: &str) -> String {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty() && *word != "-")
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> TagPattern {
        TagPattern::new(text.parse().unwrap()).unwrap()
    }

    fn note(owner: Option<&str>, meaning: &str) -> Note {
        Note { owner: owner.map(str::to_owned), meaning: meaning.to_owned() }
    }

    #[test]
    fn what_the_administrator_says_counts_more() {
        let mut catalogue = Catalogue::default();
        let thread: PoolTag = "Thre".parse().unwrap();
        assert_eq!(catalogue.describe(thread).unwrap().source, Source::BuiltIn);
        catalogue.add_pooltag([
            (pattern("Th*"), note(Some("group.sys"), "a group")),
            (pattern("Thre"), note(None, "first")),
            (pattern("Thre"), note(Some("nt!ps"), "second")),
            (pattern("Thre"), note(Some("late.sys"), "third")),
        ]);
        let told = catalogue.describe(thread).unwrap();
        assert_eq!((told.owner, told.meaning), (Some("nt!ps"), "second"));
        catalogue.note(pattern("Thr?"), note(Some("ours.sys"), "ours"));
        assert_eq!(catalogue.describe(thread).unwrap().source, Source::Note);
        assert_eq!(catalogue.owner_candidates(thread), ["ours.sys", "nt!ps", "nt"]);
        assert_eq!(catalogue.owner_candidates("Thab".parse().unwrap()), ["group.sys"]);
    }

    #[test]
    fn nobody_owns_a_shared_or_unknown_tag() {
        let catalogue = Catalogue::default();
        assert_eq!(catalogue.owner_candidates("Mdl".parse().unwrap()), [""; 0]);
        assert!(catalogue.describe("Mdl".parse().unwrap()).is_some());
        assert_eq!(catalogue.describe("qqqq".parse().unwrap()), None);
    }

    #[test]
    fn names_are_exported_as_lines_that_cannot_break() {
        let notes = [
            (pattern("Fooo"), note(Some("foo.sys"), "packet - buffers\r\nof foo")),
            (pattern("Ab"), note(None, "short")),
            (pattern("Xy??"), note(Some("xy.sys"), "a group")),
            (TagPattern::of(PoolTag::new(*b"a\x01bc")), note(None, "unprintable")),
            (TagPattern::of(PoolTag::new(*b"ab*c")), note(None, "a letter, no wildcard")),
        ];
        let text = to_pooltag_txt(notes.iter().map(|(pattern, note)| (*pattern, note)));
        assert_eq!(
            text,
            "rem Tags named in Poolwatch\r\nFooo - foo.sys - packet buffers of foo\r\n\
             Ab   - <unknown> - short\r\nXy?? - xy.sys - a group\r\n"
        );
    }
}
