//! The words for a pool, in the usual languages.

use poolwatch_model::Pool;

/// The pool that a word, or several, name.
pub(crate) fn pool_word(text: &str) -> Option<Pool> {
    let lower = text.to_lowercase();
    pool_words(&lower.split([' ', '_', '-', '\u{A0}']).collect::<Vec<_>>())
}

/// The one pool that words in lower case name, in the usual languages.
pub(crate) fn pool_words(words: &[impl AsRef<str>]) -> Option<Pool> {
    const PAGED: [&str; 12] = [
        "paged",
        "pageable",
        "ausgelagert",
        "ausgelagerter",
        "ausgelagerten",
        "paginé",
        "paginée",
        "paginado",
        "paginada",
        "paging",
        "выгружаемый",
        "выгружаемого",
    ];
    const NONPAGED: [&str; 8] = [
        "nonpaged",
        "non-paged",
        "nonp",
        "np",
        "nonpageable",
        "npp",
        "невыгружаемый",
        "невыгружаемого",
    ];
    const NOT: [&str; 6] = ["non", "no", "not", "nicht", "não", "не"];
    let mut named = words.iter().enumerate().filter_map(|(at, word)| {
        let word = word.as_ref();
        if NONPAGED.contains(&word) {
            return Some(Pool::Nonpaged);
        }
        let before: Vec<_> = words[at.saturating_sub(2)..at].iter().map(AsRef::as_ref).collect();
        // Italian: `non di paging`.
        let denied =
            before.last().is_some_and(|last| NOT.contains(last)) || before == ["non", "di"];
        PAGED.contains(&word).then_some(if denied { Pool::Nonpaged } else { Pool::Paged })
    });
    let first = named.next()?;
    named.all(|other| other == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_are_named_in_many_languages() {
        for (text, pool) in [
            ("Nonp", Some(Pool::Nonpaged)),
            ("Nicht ausgelagert", Some(Pool::Nonpaged)),
            ("ausgelagert", Some(Pool::Paged)),
            ("non paginé", Some(Pool::Nonpaged)),
            ("Pool non di paging", Some(Pool::Nonpaged)),
            ("pool di paging", Some(Pool::Paged)),
            ("no paginado", Some(Pool::Nonpaged)),
            ("Non-Paged", Some(Pool::Nonpaged)),
            ("Невыгружаемый пул", Some(Pool::Nonpaged)),
            ("paged and nonpaged", None),
            ("page", None),
        ] {
            assert_eq!(pool_word(text), pool, "{text}");
        }
    }
}
