//! The tags and programs that a sentence names.

use poolwatch_model::PoolTag;

use super::tokens::{Kind, Token};
use super::words::is_tag_word;
use crate::well_known_tags::{well_known, well_known_exactly};
use crate::{pool_words, tag_text};

/// Short names of other things.
const NO_TAGS: &[&str] = &[
    "NTFS", "NVMe", "DDR4", "DDR5", "HTTP", "JSON", "HTML", "UEFI", "BIOS", "VHDX", "MSIX", "IPv4",
    "IPv6", "WSL2", "WSL1", "GUID", "ASUS", "IOPS", "AMSI", "ReFS", "Win7", "SMB2", "SMB3", "POOL",
];
/// Names of tags that are words of a language as well: alone they name nothing.
const WORDS_TOO: &[&str] = &["File", "Key", "Time", "Even", "Job", "Sect", "Proc", "Mdl"];
/// How far from the word for a tag the tag itself may stand.
const NEAR: usize = 2;

/// The tags of a sentence with their places; `known` are those that its text names elsewhere.
pub(super) fn tags(sentence: &[Token<'_>], known: &[PoolTag]) -> Vec<(usize, PoolTag)> {
    let is_marked =
        sentence.iter().any(|token| is_tag_word(&token.lower) || token.lower.contains("poolmon"));
    let names_pool = pool_words::in_sentence(&lower(sentence)).is_some();
    let mut found: Vec<(usize, PoolTag)> = Vec::new();
    for (at, token) in sentence.iter().enumerate() {
        // `NpCD`, `NpNL` and `NpNB`: what stands beside a tag in a list is one.
        let is_listed = token.kind == Kind::Quoted
            && found
                .last()
                .is_some_and(|(last, _)| at - last <= NEAR && sentence[*last].kind == Kind::Quoted);
        if let Some(tag) = tag(sentence, at, is_marked, names_pool, is_listed, known) {
            found.push((at, tag));
        }
    }
    found
}

fn lower<'a>(sentence: &'a [Token<'_>]) -> Vec<&'a str> {
    sentence.iter().map(|token| token.lower.as_str()).collect()
}

fn tag(
    sentence: &[Token<'_>],
    at: usize,
    is_marked: bool,
    names_pool: bool,
    is_listed: bool,
    known: &[PoolTag],
) -> Option<PoolTag> {
    let token = &sentence[at];
    let text = token.text.trim_end_matches("'s").trim_end_matches("’s");
    let spelled = tag_text::tag(text);
    if let Some(attached) = attached(token) {
        return Some(attached);
    }
    let spelled = spelled?;
    if known.contains(&spelled) && (token.kind == Kind::Quoted || !is_common(text)) {
        return Some(spelled);
    }
    let around = |distance: usize| {
        let from = at.saturating_sub(distance);
        (from..sentence.len().min(at + distance + 1)).filter(move |other| *other != at)
    };
    let is_near_mark = |distance| around(distance).any(|other| is_tag_word(&sentence[other].lower));
    let says_pool = sentence.iter().any(|token| token.lower == "pool");
    let behind_pool = at > 0 && sentence[at - 1].lower.ends_with("pool");
    match token.kind {
        Kind::Quoted => {
            let fits = is_listed
                || is_near_mark(NEAR)
                || behind_pool
                || is_odd(text) && (is_marked || names_pool && is_mixed(text))
                || says_pool && well_known_exactly(spelled).is_some();
            fits.then_some(spelled)
        }
        // Digits alone are a tag in quotes only.
        Kind::Amount(_) | Kind::Span(_) => None,
        Kind::Word => {
            let lookup = well_known(text)
                .filter(|(tag, _)| tag.to_string() == text || !is_common_in_lower(text));
            if is_near_mark(1)
                && let Some((tag, _)) = lookup
            {
                return Some(tag);
            }
            if NO_TAGS.contains(&text) {
                return None;
            }
            let is_known = lookup.is_some_and(|(tag, _)| tag.to_string() == text);
            let is_four = text.chars().count() == 4;
            // Among letters of another writing a name in Latin ones is none of its words.
            let is_foreign = at > 0
                && is_tag_word(&sentence[at - 1].lower)
                && !sentence[at - 1].lower.is_ascii()
                && text.starts_with(|c: char| c.is_ascii_uppercase());
            let is_called = at > 0
                && is_tag_word(&sentence[at - 1].lower)
                && sentence[at - 1].text.starts_with(char::is_lowercase)
                && text.starts_with(|c: char| c.is_ascii_uppercase());
            let fits = is_four && (is_foreign || is_called)
                || is_four && is_near_mark(NEAR) && is_odd(text)
                || is_marked && is_four && is_mixed(text)
                || is_unspeakable(text) && (is_marked || names_pool)
                || is_known && !is_common(text) && (is_marked || names_pool)
                || is_four && is_odd(text) && is_user_of_pool(sentence, at);
            if !fits {
                return None;
            }
            Some(lookup.filter(|_| is_known).map_or(spelled, |(tag, _)| tag))
        }
    }
}

/// `tag0045`, as writings without spaces have it.
fn attached(token: &Token<'_>) -> Option<PoolTag> {
    let rest = token.lower.strip_prefix("tag").filter(|_| token.kind == Kind::Word)?;
    let is_tag = rest.len() == 4 && rest.bytes().any(|byte| byte.is_ascii_digit());
    is_tag.then(|| tag_text::tag(&token.text[3..]))?
}

/// `pool usage of NVRM`, `NVRM's non-paged pool`, `NVRM driver non-paged pool`.
fn is_user_of_pool(sentence: &[Token<'_>], at: usize) -> bool {
    const USE: &[&str] = &["usage", "use", "consumption", "verbrauch", "footprint"];
    let words = lower(sentence);
    let is_of = at >= 3
        && matches!(words[at - 1], "of" | "by" | "von")
        && USE.contains(&words[at - 2])
        && words[at.saturating_sub(6)..at].iter().any(|word| word.contains("pool"));
    let owns = sentence[at].text.ends_with("'s") || words.get(at + 1) == Some(&"driver");
    let behind = &words[(at + 1).min(words.len())..words.len().min(at + 5)];
    is_of || owns && pool_words::in_sentence(behind).is_some()
}

fn is_common(text: &str) -> bool {
    WORDS_TOO.contains(&text)
}

fn is_common_in_lower(text: &str) -> bool {
    WORDS_TOO.iter().any(|word| word.eq_ignore_ascii_case(text) && *word != "Mdl")
}

/// Whether a capital letter or a digit stands behind the first letter.
fn is_odd(text: &str) -> bool {
    text.chars().skip(1).any(|c| c.is_ascii_digit() || c.is_uppercase())
}

fn is_mixed(text: &str) -> bool {
    let is_plural = text.strip_suffix('s').is_some_and(|rest| rest.chars().all(char::is_uppercase));
    is_odd(text) && text.chars().any(char::is_lowercase) && !NO_TAGS.contains(&text) && !is_plural
}

/// Whether four letters or digits have no vowel between them.
fn is_unspeakable(word: &str) -> bool {
    word.len() == 4
        && word.starts_with(|c: char| c.is_ascii_uppercase())
        && word.chars().any(|c| c.is_ascii_lowercase())
        && word.chars().all(|c| c.is_ascii_alphanumeric() && !"aeiouyAEIOUY".contains(c))
        && !matches!(word, "Http" | "Html" | "Mbps" | "Gbps" | "Kbps")
}

/// The programs of a sentence, each once.
pub(super) fn programs<'a>(sentence: &[Token<'a>]) -> Vec<&'a str> {
    let mut found: Vec<&str> = Vec::new();
    for token in sentence.iter().filter(|token| is_program(&token.lower)) {
        if !found.iter().any(|known| known.eq_ignore_ascii_case(token.text)) {
            found.push(token.text);
        }
    }
    found
}

pub(super) fn is_program(lower: &str) -> bool {
    lower.len() > 4 && lower.ends_with(".exe")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prose::tokens::tokens;

    fn named(text: &str) -> Vec<String> {
        let sentence = tokens(text, &|_| 1);
        tags(&sentence, &[]).into_iter().map(|(_, tag)| tag.to_string()).collect()
    }

    #[test]
    fn tags_are_known_by_the_word_beside_them_or_by_their_looks() {
        for (text, expected) in [
            ("the leaking tag is `Qv1z`, in the `git` folder", vec!["Qv1z"]),
            ("tag Blob has 3 million allocations", vec!["Blob"]),
            ("am zweiten Tag Null Byte frei", vec![]),
            ("I found the “qrvt” tag in poolmon", vec!["qrvt"]),
            ("tags `NpCD`, `NpNL` and `NpNB` use much", vec!["NpCD", "NpNL", "NpNB"]),
            ("Pool Tag: QvFz", vec!["QvFz"]),
            ("mdl tag was allocated", vec!["Mdl"]),
            ("QvsR is the driver's tag", vec!["QvsR"]),
            ("使用poolMon定位到tag0045", vec!["0045"]),
            ("nonpaged pool usage of QVRM is high", vec!["QVRM"]),
            ("non-paged pool \"Qmdi\" grows", vec!["Qmdi"]),
            ("the paged pool grows on NTFS with NVMe", vec![]),
            ("a tag that names the File in time", vec![]),
            ("tag the issue with WSL2", vec![]),
        ] {
            assert_eq!(named(text), expected, "{text}");
        }
    }
}
