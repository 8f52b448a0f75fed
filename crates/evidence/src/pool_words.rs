//! The words for a pool, in the usual languages.

use poolwatch_model::Pool;

/// Words that make the paged pool the other one.
const NOT: &[&str] = &["non", "no", "not", "nicht", "não", "не", "niet", "nem"];

/// The pool that a word, or several, name.
pub(crate) fn pool_word(text: &str) -> Option<Pool> {
    let lower = text.to_lowercase();
    pool_words(&lower.split([' ', '_', '-', '\u{A0}']).collect::<Vec<_>>())
}

/// The one pool that words in lower case name, in the usual languages.
pub(crate) fn pool_words(words: &[impl AsRef<str>]) -> Option<Pool> {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    let mut named = (0..words.len()).filter_map(|at| named_pool(&words, at));
    let first = named.next()?;
    named.all(|other| other == first).then_some(first)
}

/// The one pool that a sentence names. `Paged` alone is no pool there: memory is paged out as well.
pub(crate) fn in_sentence(words: &[&str]) -> Option<Pool> {
    const POOLS: &[&str] = &[
        "pool",
        "bytes",
        "пул",
        "缓冲池",
        "緩衝",
        "集区",
        "集區",
        "池",
        "プール",
        "grupo",
        "bloque",
        "speicher",
        "réserve",
        "pula",
        "puli",
        "havuz",
        "풀",
    ];
    let pool = pool_words(words)?;
    let says = words.iter().any(|word| POOLS.iter().any(|part| word.contains(part)));
    (pool == Pool::Nonpaged || says).then_some(pool)
}

/// Whether a word is a denial that only makes the name of a pool (`nicht ausgelagert`, `non di paging`).
pub(crate) fn is_of_name(words: &[&str], at: usize) -> bool {
    NOT.contains(&words[at])
        && (1..=2)
            .any(|behind| at + behind < words.len() && named_pool(words, at + behind).is_some())
}

/// The pool that the word at a place names, with those around it.
pub(crate) fn named_pool(words: &[&str], at: usize) -> Option<Pool> {
    const PAGED: &[&str] = &[
        "pageable",
        "ausgelagert",
        "ausgelagerter",
        "ausgelagerten",
        "ausgelagerte",
        "auslagerbar",
        "auslagerbaren",
        "paginé",
        "paginée",
        "paginado",
        "paginada",
        "paging",
        "wisselbaar",
        "lapozható",
    ];
    const NONPAGED: &[&str] = &["nonp", "np", "nonpageable", "npp"];
    const PAGED_BEGINS: &[&str] = &[
        "выгружаем",
        "stronicowan",
        "stránkovan",
        "auslagerungspool",
        "auslagerungsseite",
        "pagináve",
        "sayfalan",
    ];
    const NONPAGED_BEGINS: &[&str] = &[
        "non-page",
        "nichtausgelager",
        "невыгружаем",
        "niestronicowan",
        "nestránkovan",
        "sayfalanmam",
    ];
    let word = words[at];
    // `Nicht-Auslagerungsseiten`.
    let compound = NOT.iter().find_map(|not| word.strip_prefix(not)?.strip_prefix('-'));
    let is_nonpaged = NONPAGED_BEGINS.iter().any(|beginning| word.starts_with(beginning));
    let word = compound.unwrap_or(word);
    let begins = |with: &[&str]| with.iter().any(|beginning| word.starts_with(beginning));
    let holds = |parts: &[&str]| parts.iter().any(|part| word.contains(part));
    if is_nonpaged
        || NONPAGED.contains(&word)
        || is_compound(word, "nonpaged")
        || holds(&["非分页", "非分頁", "未分页", "非ページ", "비페이징"])
    {
        return Some(Pool::Nonpaged);
    }
    let is_paged = PAGED.contains(&word)
        || is_compound(word, "paged")
        || begins(PAGED_BEGINS)
        || holds(&["分页", "分頁", "ページプール", "페이징"])
        || word.ends_with("ページ")
            && words.get(at + 1).is_some_and(|next| next.starts_with("プール"));
    // What is paged out is no pool.
    let is_verb = matches!(words.get(at + 1).copied(), Some("out" | "in" | "to" | "back" | "file"));
    if !is_paged || is_verb {
        return None;
    }
    let before = &words[at.saturating_sub(2)..at];
    // Italian: `non di paging`.
    let denied = compound.is_some()
        || before.last().is_some_and(|last| NOT.contains(last))
        || before == ["non", "di"];
    Some(if denied { Pool::Nonpaged } else { Pool::Paged })
}

/// Whether a word is the name of a pool in one: `NonPagedPoolNx`, `PoolNonpagedBytes`.
fn is_compound(word: &str, pool: &str) -> bool {
    const ENDS: [&str; 6] = ["", "pool", "poolnx", "nx", "bytes", "poolbytes"];
    let rest = word.strip_prefix("pool").unwrap_or(word).strip_prefix(pool);
    rest.is_some_and(|rest| ENDS.contains(&rest))
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
            ("Nichtausgelagerter Pool", Some(Pool::Nonpaged)),
            ("Auslagerungspool", Some(Pool::Paged)),
            ("Auslagerungsdatei", None),
            ("非ページ プール", Some(Pool::Nonpaged)),
            ("ページ プール", Some(Pool::Paged)),
            ("Невыгружаемый пул", Some(Pool::Nonpaged)),
            ("paged and nonpaged", None),
            ("page", None),
        ] {
            assert_eq!(pool_word(text), pool, "{text}");
        }
    }
}
