//! What words of sentences mean, by how they begin, in the usual languages.

/// Something grows, or is not given back.
const LEAKS: &[&str] = &[
    "leak",
    "grow",
    "grew",
    "climb",
    "increas",
    "rise",
    "rising",
    "accumulat",
    "balloon",
    "retain",
    "unreleased",
    "unfreed",
    "speicherleck",
    "leck",
    "wächst",
    "wachs",
    "gewachsen",
    "ansteig",
    "steigt",
    "fuite",
    "fuit",
    "augment",
    "croît",
    "fuga",
    "crece",
    "aument",
    "утечк",
    "утека",
    "растет",
    "растёт",
    "lekt",
    "lekkage",
    "wyciek",
    "perdita",
];
const LEAKS_UNSPACED: &[&str] =
    &["泄漏", "泄露", "洩漏", "流失", "增长", "增加", "上涨", "リーク", "増加", "増え"];
/// How words that mean freeing begin.
const FREED: &[&str] = &[
    "free",
    "freig",
    "dealloc",
    "libér",
    "liber",
    "libera",
    "освоб",
    "releas",
    "reclaim",
    "return",
    "given",
    "restitu",
    "zwolnio",
    "rilasc",
    "vrijgeg",
    "zurückgeg",
    "devuel",
];
/// Words that turn a sentence round.
const DENIALS: &[&str] = &[
    "not",
    "no",
    "never",
    "without",
    "nor",
    "nicht",
    "kein",
    "keine",
    "keinen",
    "nie",
    "niemals",
    "sans",
    "pas",
    "jamais",
    "nunca",
    "sin",
    "нет",
    "не",
    "никогда",
    "doesn't",
    "isn't",
    "don't",
];
/// A figure that is usual, allowed or wished for, not measured.
const NORMS: &[&str] = &[
    "normal",
    "usual",
    "typical",
    "healthy",
    "baseline",
    "expected",
    "threshold",
    "limit",
    "max",
    "most",
    "under",
    "below",
    "less",
    "than",
    "rarely",
    "should",
    "until",
    "reserve",
    "fewer",
    "üblich",
    "höchstens",
    "maximal",
    "unter",
    "normale",
    "обычно",
    "норм",
    "alert",
    "least",
];
/// Words of what may be, and is not told as measured.
const WOULD_BE: &[&str] = &[
    "if", "would", "could", "should", "might", "wenn", "falls", "würde", "könnte", "si", "если",
    "e.g",
];
/// What is counted of a tag.
const COUNTED: &[&str] = &[
    "allocation",
    "allocs",
    "object",
    "block",
    "outstanding",
    "unreleased",
    "unfreed",
    "entries",
    "zuweisung",
    "asignacion",
    "выделени",
    "instance",
];
const HANDLES: &[&str] = &[
    "handle",
    "descripteur",
    "identificador",
    "дескриптор",
    "manejador",
    "uchwyt",
    "句柄",
    "控制代码",
    "ハンドル",
];
/// Words around a figure of all memory.
const ALL_MEMORY: &[&str] = &[
    "ram",
    "physical",
    "system",
    "machine",
    "workstation",
    "pc",
    "laptop",
    "desktop",
    "server",
    "host",
    "vm",
    "arbeitsspeicher",
    "ddr4",
    "ddr5",
    "озу",
    "box",
];
/// Of memory, that it is not all of it.
const PART_OF_MEMORY: &[&str] = &[
    "free",
    "used",
    "use",
    "usage",
    "available",
    "avail",
    "commit",
    "cache",
    "private",
    "working",
    "standby",
    "remaining",
    "left",
    "swap",
    "pagefile",
    "vram",
];

fn begins(word: &str, with: &[&str]) -> bool {
    with.iter().any(|beginning| word.starts_with(beginning))
}

pub(super) fn leaks(word: &str) -> bool {
    begins(word, LEAKS) || LEAKS_UNSPACED.iter().any(|part| word.contains(part))
}

pub(super) fn frees(word: &str) -> bool {
    begins(word, FREED) || ["释放", "釋放", "解放"].iter().any(|part| word.contains(part))
}

pub(super) fn denies(word: &str) -> bool {
    DENIALS.contains(&word) || word.ends_with("n't") || word.ends_with("n’t")
}

pub(super) fn is_norm(word: &str) -> bool {
    begins(word, NORMS)
}

pub(super) fn would_be(word: &str) -> bool {
    WOULD_BE.contains(&word)
}

pub(super) fn is_counted(word: &str) -> bool {
    begins(word, COUNTED)
}

pub(super) fn is_handles(word: &str) -> bool {
    begins(word, HANDLES) || word.contains("handlecount")
}

pub(super) fn is_all_memory(word: &str) -> bool {
    ALL_MEMORY.contains(&word) || word.ends_with("内存") || word.ends_with("メモリ")
}

pub(super) fn is_part_of_memory(word: &str) -> bool {
    PART_OF_MEMORY.contains(&word) || word.contains("pool")
}

/// The word for a tag, alone or in a compound (`Pooltag`).
pub(super) fn is_tag_word(word: &str) -> bool {
    const TAGS: &[&str] = &[
        "tag",
        "tags",
        "pooltag",
        "pooltags",
        "tagged",
        "kennung",
        "étiquette",
        "etiqueta",
        "etichetta",
        "balise",
        "тег",
        "тэг",
        "тегом",
        "znacznik",
    ];
    TAGS.contains(&word)
        || ["标记", "标签", "標籤", "标识", "標記", "タグ"].iter().any(|part| word.contains(part))
}
