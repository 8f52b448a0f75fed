//! Names that come from hosts, made fit for a command line, or refused.

use poolwatch_model::PoolTag;

/// Longer names than this are nobody's.
const LONGEST: usize = 80;

/// A name as one word of a command in cmd and PowerShell alike: quoted when it holds a space,
/// `None` when it holds anything that a shell could take for more than a letter of a name.
pub(super) fn word(name: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._- ".contains(&byte);
    let first = name.bytes().next()?;
    if !(first.is_ascii_alphanumeric() || first == b'_')
        || name.len() > LONGEST
        || !name.bytes().all(plain)
    {
        return None;
    }
    Some(if name.contains(' ') { format!("\"{name}\"") } else { name.to_owned() })
}

/// A tag as the bytes to search for with `findstr`.
pub(super) fn findstr_pattern(tag: PoolTag) -> Option<String> {
    let bytes = tag.bytes();
    if bytes.iter().all(u8::is_ascii_alphanumeric) {
        return Some(tag.to_string());
    }
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._- ".contains(byte);
    let text = std::str::from_utf8(&bytes).ok().filter(|_| bytes.iter().all(plain))?;
    Some(format!("/c:\"{text}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stays_one_word() {
        for (name, expected) in [
            ("BadApp", Some("BadApp")),
            ("MSSQL SERVER", Some("\"MSSQL SERVER\"")),
            ("foo-1.2_x.sys", Some("foo-1.2_x.sys")),
            ("/reset", None),
            ("-rf", None),
            ("", None),
            ("a;b", None),
            ("MSSQL$SQL2019", None),
        ] {
            assert_eq!(word(name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn spaces_of_a_tag_are_searched_for() {
        for (tag, expected) in [
            (*b"Fooo", Some("Fooo")),
            (*b"Key ", Some("/c:\"Key \"")),
            (*b"-abc", Some("/c:\"-abc\"")),
            (*b"a\"bc", None),
            (*b"a%b%", None),
            ([0, 1, 2, 3], None),
        ] {
            assert_eq!(findstr_pattern(PoolTag::new(tag)).as_deref(), expected);
        }
    }
}
