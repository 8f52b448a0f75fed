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
    "roste",
    "narost",
    "rośnie",
    "urosł",
    "wzrost",
    "perdita",
    "cresc",
    "vazamento",
    "groeit",
    "toename",
    "växer",
    "вырос",
];
const LEAKS_UNSPACED: &[&str] = &[
    "泄漏",
    "泄露",
    "洩漏",
    "流失",
    "增长",
    "增加",
    "上涨",
    "涨到",
    "リーク",
    "増加",
    "増え",
    "증가",
    "누수",
    "늘어",
];
/// How words that mean allocating begin.
const ALLOCATED: &[&str] = &[
    "alloc",
    "allok",
    "zugewies",
    "zugeteil",
    "zuweis",
    "belegt",
    "asigna",
    "assegna",
    "aloca",
    "alokac",
    "alloué",
    "выдел",
];
const ALLOCATED_UNSPACED: &[&str] = &["割り当て", "分配", "할당"];
const FREED_UNSPACED: &[&str] = &["释放", "釋放", "解放", "해제"];
/// Of a word that parts none from its denial.
const DENIALS_UNSPACED: &[&str] = &["ません", "ない", "没有", "沒有", "未", "从不", "않"];
/// What an update is called, with which something ends.
const UPDATES: &[&str] = &[
    "update",
    "fix",
    "patch",
    "upgrade",
    "hotfix",
    "aktualisierung",
    "actualización",
    "aggiornamento",
    "обновлен",
    "mise",
];
const BEFORE: &[&str] = &["before", "vor", "avant", "antes", "prima", "до", "перед"];
/// Words of what is supposed, and not told.
const SUPPOSES: &[&str] = &["if", "wenn", "falls", "если", "e.g", "z.b", "suppose", "example"];
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
    "zwoln",
    "zwaln",
    "uvoln",
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
    "non",
    "mai",
    "não",
    "niet",
    "nooit",
    "nigdy",
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
    "allokation",
    "alokac",
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
    "핸들",
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
    begins(word, LEAKS) || holds(word, LEAKS_UNSPACED)
}

fn holds(word: &str, parts: &[&str]) -> bool {
    parts.iter().any(|part| word.contains(part))
}

pub(super) fn allocates(word: &str) -> bool {
    begins(word, ALLOCATED) || holds(word, ALLOCATED_UNSPACED)
}

pub(super) fn frees(word: &str) -> bool {
    begins(word, FREED) || holds(word, FREED_UNSPACED)
}

/// Whether a word of a writing without spaces denies itself.
pub(super) fn denies_unspaced(word: &str) -> bool {
    holds(word, DENIALS_UNSPACED)
}

pub(super) fn is_update(word: &str) -> bool {
    begins(word, UPDATES)
}

pub(super) fn is_before(word: &str) -> bool {
    BEFORE.contains(&word)
}

pub(super) fn supposes(word: &str) -> bool {
    SUPPOSES.contains(&word)
}

pub(super) fn denies(word: &str) -> bool {
    DENIALS.contains(&word) || word.ends_with("n't") || word.ends_with("n’t")
}

pub(super) fn is_norm(word: &str) -> bool {
    begins(word, NORMS)
}

/// Whether a word makes the amount behind it the present one.
pub(super) fn is_now(word: &str) -> bool {
    const NOW: &[&str] = &[
        "now",
        "today",
        "currently",
        "jetzt",
        "heute",
        "aktuell",
        "inzwischen",
        "mittlerweile",
        "maintenant",
        "ahora",
        "hoy",
        "adesso",
        "oggi",
        "agora",
        "hoje",
        "сейчас",
        "сегодня",
    ];
    NOW.contains(&word)
}

/// Whether a word is a bound of what is named behind it.
pub(super) fn is_bound(word: &str) -> bool {
    const BOUNDS: &[&str] =
        &["limit", "threshold", "maximum", "schwell", "obergrenze", "seuil", "umbral", "порог"];
    begins(word, BOUNDS)
}

/// Whether a word is the one between a thing and what it is of.
pub(super) fn is_of(word: &str) -> bool {
    const OF: &[&str] =
        &["of", "for", "on", "für", "des", "von", "de", "du", "pour", "para", "для"];
    OF.contains(&word)
}

pub(super) fn would_be(word: &str) -> bool {
    WOULD_BE.contains(&word)
}

pub(super) fn is_counted(word: &str) -> bool {
    begins(word, COUNTED) || holds(word, ALLOCATED_UNSPACED)
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
        "značka",
        "značku",
    ];
    TAGS.contains(&word) || holds(word, &["标记", "标签", "標籤", "标识", "標記", "タグ", "태그"])
}
