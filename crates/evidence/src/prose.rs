//! What people write around and instead of tables. A text is read as a whole: a tag, a pool or a
//! program that one sentence names is what the others are about.

mod claims;
mod names;
mod tokens;
mod words;

use std::collections::BTreeMap;

use poolwatch_model::memory::Memory;
use poolwatch_model::process::ProcessUse;
use poolwatch_model::tag::{AllocCounting, TagCounters, TagTable, TagUse};
use poolwatch_model::{Bytes, Pool, PoolTag};

use crate::content::{IgnoredReason, PieceContent, PieceKind};
use crate::reading_builder::ReadingBuilder;
use crate::source::Fact;
use crate::statements::{GrownTag, GrowthTable, ToldTag};
use crate::{pool_words, quantities};
use claims::{Claim, Context, OfTag};
use tokens::{Token, is_unspaced, tokens};

/// The most that is kept of a text's sentences.
const MAX_BYTES: usize = 1 << 20;
/// Longer lines are no sentences.
const MAX_LINE: usize = 4096;

/// The lines of a text that no format took.
#[derive(Default)]
pub(crate) struct Prose {
    lines: Vec<ProseLine>,
    bytes: usize,
}

struct ProseLine {
    number: u32,
    text: String,
    /// Why it is ignored when it tells nothing.
    reason: IgnoredReason,
}

impl Prose {
    /// Keeps a line to be read with the others; false when there is no room for it.
    pub(crate) fn keep_line(&mut self, number: u32, text: &str, reason: IgnoredReason) -> bool {
        let fits = text.len() <= MAX_LINE && self.bytes + text.len() <= MAX_BYTES;
        if fits {
            self.bytes += text.len();
            self.lines.push(ProseLine { number, text: text.to_owned(), reason });
        }
        fits
    }

    /// Reads what was kept, and lists what tells nothing. Tags whose pool no table tells are in the
    /// one that all sentences are about.
    pub(crate) fn read(mut self, out: &mut ReadingBuilder) {
        self.lines.sort_by_key(|line| line.number);
        let paragraphs = paragraphs(&self.lines);
        let sentences: Vec<Vec<Token<'_>>> =
            paragraphs.iter().flat_map(Paragraph::sentences).collect();
        let (context, only) = context(&sentences);
        if let Some(pool) = only {
            out.place_tags(pool);
        }
        let mut told = Told::default();
        for sentence in &sentences {
            claims::claims(sentence, &context).into_iter().for_each(|claim| told.add_claim(claim));
        }
        let used = told.lines();
        told.write(out);
        for line in &self.lines {
            if used.binary_search(&line.number).is_err() {
                out.ignore(line.number, &line.text, line.reason);
            }
        }
    }
}

/// Lines that belong together, as one text.
#[derive(Default)]
struct Paragraph {
    text: String,
    /// Where each line begins in it, and its number.
    lines: Vec<(usize, u32)>,
}

impl Paragraph {
    fn sentences(&self) -> Vec<Vec<Token<'_>>> {
        let line_at = |offset: usize| {
            let at = self.lines.partition_point(|(start, _)| *start <= offset);
            self.lines.get(at.saturating_sub(1)).map_or(0, |(_, number)| *number)
        };
        let mut found = Vec::new();
        let mut start = 0;
        for end in sentence_ends(&self.text) {
            found.push(tokens(&self.text[start..end], &|offset| line_at(start + offset)));
            start = end;
        }
        found.retain(|tokens| !tokens.is_empty());
        found
    }
}

/// Lines that follow each other are one paragraph, unless one of them begins something.
fn paragraphs(lines: &[ProseLine]) -> Vec<Paragraph> {
    let mut paragraphs: Vec<Paragraph> = Vec::new();
    let mut before: Option<(u32, bool)> = None;
    for line in lines {
        let text = line.text.trim();
        let begins = text.starts_with(['#', '-', '*', '•', '+', '|', '·'])
            || text.split_once(['.', ')']).is_some_and(|(number, rest)| {
                rest.starts_with(' ')
                    && number.len() <= 2
                    && number.bytes().all(|b| b.is_ascii_digit())
            });
        let begins = begins || is_field(text);
        let goes_on = before.is_some_and(|(number, ended)| number + 1 == line.number && !ended);
        if !goes_on || begins {
            paragraphs.push(Paragraph::default());
        }
        let Some(paragraph) = paragraphs.last_mut() else { continue };
        if !paragraph.text.is_empty() {
            paragraph.text.push(' ');
        }
        paragraph.lines.push((paragraph.text.len(), line.number));
        paragraph.text.push_str(&quantities::joined(text));
        let ended = text.ends_with(':') || text.starts_with('#') || is_field(text);
        before = Some((line.number, ended));
    }
    paragraphs
}

/// Whether a line is a label with its short value: `uptime: 48 hrs`, `Handles 60000`.
fn is_field(text: &str) -> bool {
    const LONGEST: usize = 24;
    const WORDS: usize = 3;
    let has_unit = |text: &str| {
        let (number, unit) = text.rsplit_once(' ').unwrap_or_default();
        number.ends_with(|c: char| c.is_ascii_digit()) && quantities::is_size_unit(unit)
    };
    let is_short = text.split_whitespace().count() <= WORDS
        && (text.ends_with(|c: char| c.is_ascii_digit()) || has_unit(text));
    if is_short {
        return true;
    }
    text.split_once(": ").is_some_and(|(label, value)| {
        value.len() <= LONGEST
            && value.contains(|c: char| c.is_ascii_digit())
            && !label.contains(". ")
    })
}

/// Where the sentences of a text end.
fn sentence_ends(text: &str) -> Vec<usize> {
    const SHORT: &[&str] = &[
        "ca", "approx", "e.g", "i.e", "z.B", "vs", "Nr", "No", "bzw", "incl", "Mio", "Mrd", "Tsd",
        "mln", "mil", "tys", "млн", "тыс",
    ];
    let mut ends = Vec::new();
    let letters = text.char_indices().peekable();
    for (at, c) in letters {
        let end = at + c.len_utf8();
        let is_end = match c {
            '。' | '！' | '？' | '；' => true,
            '.' | '!' | '?' | ';' => {
                let behind = text[end..].trim_start_matches(['"', '”', ')', '_', '*', '\'']);
                let next = behind.trim_start().chars().next();
                let word = text[..at].rsplit([' ', '(']).next().unwrap_or_default();
                let begins = next.is_none_or(|next| {
                    !next.is_lowercase() && !next.is_ascii_digit() || is_unspaced(next)
                });
                behind.starts_with(' ') && begins && (c != '.' || !SHORT.contains(&word))
            }
            _ => false,
        };
        if is_end {
            ends.push(end);
        }
    }
    ends.push(text.len());
    ends
}

/// What the sentences share: tags that one of them names, the pool and the program of all; and the
/// pool, if no other is named.
fn context<'a>(sentences: &'a [Vec<Token<'a>>]) -> (Context<'a>, Option<Pool>) {
    /// More tags are a list, not a story.
    const MAX_TAGS: usize = 64;
    let mut context = Context::default();
    let mut pools: Vec<Pool> = Vec::new();
    let mut programs: Vec<&str> = Vec::new();
    for sentence in sentences {
        for (_, tag) in names::tags(sentence, &context.tags) {
            if !context.tags.contains(&tag) && context.tags.len() < MAX_TAGS {
                context.tags.push(tag);
            }
        }
        let words: Vec<&str> = sentence.iter().map(|token| token.lower.as_str()).collect();
        pools.extend(pool_words::in_sentence(&words));
        for program in names::programs(sentence) {
            if programs.len() < 2 && !programs.iter().any(|one| one.eq_ignore_ascii_case(program)) {
                programs.push(program);
            }
        }
    }
    // Where both are named, the first is what it is about: titles name one.
    context.pool = pools.first().copied();
    if let [program] = programs[..] {
        context.program = Some(program);
    }
    let only = context.pool.filter(|pool| pools.iter().all(|other| other == pool));
    (context, only)
}

/// What all sentences say together: of each thing the most.
#[derive(Default)]
struct Told {
    tags: BTreeMap<(PoolTag, Option<Pool>), OfTag>,
    pools: BTreeMap<Pool, (u64, u32)>,
    leaking: BTreeMap<Pool, u32>,
    physical: Option<(u64, u32)>,
    processes: BTreeMap<String, (ProcessUse, u32)>,
}

impl Told {
    fn add_claim(&mut self, claim: Claim) {
        match claim {
            Claim::Tag(tag, pool, of) => {
                let known = self.tags.entry((tag, pool)).or_default();
                if known.line == 0
                    || of.bytes > known.bytes
                    || known.bytes.is_none() && of.outstanding > known.outstanding
                {
                    known.line = of.line;
                }
                known.bytes = known.bytes.max(of.bytes);
                known.outstanding = known.outstanding.max(of.outstanding);
                known.allocs = known.allocs.max(of.allocs);
                known.grown = known.grown.max(of.grown);
                known.is_never_freed |= of.is_never_freed;
                known.leaks |= of.leaks;
            }
            Claim::Pool(pool, used, line) => {
                let known = self.pools.entry(pool).or_insert((used, line));
                if used > known.0 {
                    *known = (used, line);
                }
            }
            Claim::Leak(pool, line) => {
                self.leaking.entry(pool).or_insert(line);
            }
            Claim::Physical(bytes, line) => {
                self.physical.get_or_insert((bytes, line));
            }
            Claim::Handles(process, line) => {
                let key = format!("{} {}", process.key.pid, process.image.to_lowercase());
                let more =
                    self.processes.get(&key).is_none_or(|(one, _)| one.handles < process.handles);
                if more {
                    self.processes.insert(key, (process, line));
                }
            }
        }
    }

    /// The lines that told something, sorted.
    fn lines(&self) -> Vec<u32> {
        let tags = self.tags.iter().filter(|((_, pool), of)| {
            pool.is_some() || of.leaks || of.bytes.is_some() || of.outstanding.is_some()
        });
        let tags = tags.map(|(_, of)| of.line);
        let pools = self.pools.values().map(|(_, line)| *line);
        let others = self.leaking.values().copied().chain(self.memory_line());
        let processes = self.processes.values().map(|(_, line)| *line);
        let mut lines: Vec<u32> = tags.chain(pools).chain(others).chain(processes).collect();
        lines.sort_unstable();
        lines.dedup();
        lines
    }

    /// The line of the machine's memory, where it is of use: what is in a pool fits into it.
    fn memory_line(&self) -> Option<u32> {
        let (bytes, line) = self.physical?;
        let most = self.pools.get(&Pool::Nonpaged).map_or(0, |(used, _)| *used);
        (!self.pools.is_empty() && most <= bytes || !self.tags.is_empty()).then_some(line)
    }

    fn write(self, out: &mut ReadingBuilder) {
        self.write_memory(out);
        let mut counted = Vec::new();
        for ((tag, pool), of) in &self.tags {
            let (bytes, outstanding) = (of.bytes.unwrap_or(0), of.outstanding.unwrap_or(0));
            if let Some(pool) = pool.filter(|_| bytes > 0 || outstanding > 0) {
                let unfreed = if of.is_never_freed { outstanding } else { 0 };
                let allocs = of.allocs.unwrap_or(unfreed);
                let mut row = TagUse::empty(*tag);
                *row.of_mut(pool) = TagCounters { bytes, outstanding, allocs };
                counted.push((row, of.line));
            }
            if let Some((grown, over_s)) = of.grown.filter(|(grown, _)| *grown > 0) {
                let grown = GrownTag {
                    tag: *tag,
                    pool: *pool,
                    outstanding: None,
                    bytes: Some(Bytes(grown)),
                };
                let table = GrowthTable { over_s, tags: vec![grown], is_torn: false };
                out.piece(PieceKind::Sentence, (of.line, of.line), PieceContent::Growth(table));
            }
            let is_claim = of.leaks || of.bytes.is_some() || of.outstanding.is_some();
            // That a tag is named tells something only where the text is about a pool.
            if pool.is_none() && !is_claim {
                continue;
            }
            let told = ToldTag {
                tag: Some(*tag),
                pool: *pool,
                bytes: of.bytes.map(Bytes),
                outstanding: of.outstanding,
                leaks: of.leaks,
            };
            out.piece(PieceKind::Sentence, (of.line, of.line), PieceContent::Told(told));
        }
        for (pool, line) in self.leaking {
            let told = ToldTag { pool: Some(pool), leaks: true, ..ToldTag::default() };
            out.piece(PieceKind::Sentence, (line, line), PieceContent::Told(told));
        }
        let lines = |all: &[u32]| {
            (all.iter().copied().min().unwrap_or(0), all.iter().copied().max().unwrap_or(0))
        };
        if !counted.is_empty() {
            let range = lines(&counted.iter().map(|(_, line)| *line).collect::<Vec<_>>());
            counted.iter().for_each(|(row, line)| out.note_tag(row, *line));
            let is_counted =
                counted.iter().any(|(row, _)| row.paged.allocs + row.nonpaged.allocs > 0);
            let counting =
                if is_counted { AllocCounting::Full64 } else { AllocCounting::OutstandingOnly };
            // A tag that is told of both pools has one row.
            let mut rows: BTreeMap<PoolTag, TagUse> = BTreeMap::new();
            for (row, _) in counted {
                let known = rows.entry(row.tag).or_insert(row);
                for pool in Pool::ALL {
                    if known.of(pool).is_empty() {
                        *known.of_mut(pool) = *row.of(pool);
                    }
                }
            }
            let table = TagTable::new(counting, false, rows.into_values().collect());
            out.piece(PieceKind::Sentence, range, PieceContent::Tags(table));
        }
        if !self.processes.is_empty() {
            let range = lines(&self.processes.values().map(|(_, line)| *line).collect::<Vec<_>>());
            for (process, line) in self.processes.values() {
                out.note(Fact::of_process(process), *line);
            }
            let mut processes: Vec<ProcessUse> =
                self.processes.into_values().map(|(process, _)| process).collect();
            processes.sort_by(|a, b| a.key.cmp(&b.key).then_with(|| a.image.cmp(&b.image)));
            out.piece(PieceKind::Sentence, range, PieceContent::Processes(processes));
        }
    }

    fn write_memory(&self, out: &mut ReadingBuilder) {
        let used = |pool| self.pools.get(&pool).copied();
        let physical = self.physical.filter(|_| self.memory_line().is_some());
        let told = [
            ("nonpaged", used(Pool::Nonpaged)),
            ("paged", used(Pool::Paged)),
            ("physical", physical),
        ];
        let known: Vec<u32> = told.iter().filter_map(|(_, one)| Some((*one)?.1)).collect();
        let Some(first) = known.iter().min() else { return };
        let last = known.iter().max().unwrap_or(first);
        for (name, one) in told {
            if let Some((_, line)) = one {
                out.note(Fact::Memory(name), line);
            }
        }
        let bytes = |one: Option<(u64, u32)>| one.map(|(bytes, _)| Bytes(bytes));
        let [(_, nonpaged), (_, paged), (_, physical)] = told;
        let memory = Memory {
            nonpaged: bytes(nonpaged),
            paged: bytes(paged),
            physical: bytes(physical),
            ..Memory::default()
        };
        out.piece(PieceKind::Sentence, (*first, *last), PieceContent::Memory(Box::new(memory)));
    }
}

#[cfg(test)]
mod tests {
    use poolwatch_model::Pool;

    use crate::{PieceContent, combine, read};

    #[test]
    fn a_text_is_read_as_a_whole() {
        let text = "# Kernel nonpaged pool leak\n\nOn this 32 GB system the dominant tag is `Qv1z`\n\
                    and it is never released.\n\nQv1z reached ~616 MB with about 5.1 million\n\
                    unreleased allocations.\n";
        let combined = combine([read("post.md", text.as_bytes())]);
        let [moment] = &combined.snapshots[..] else { panic!("{combined:?}") };
        let row = moment.snapshot.tags.as_ref().unwrap().rows[0].nonpaged;
        assert_eq!((row.bytes, row.outstanding, row.allocs), (616 << 20, 5_100_000, 5_100_000));
        assert_eq!(moment.snapshot.memory.physical.map(|all| all.0 >> 30), Some(32));
        assert!(combined.told.iter().any(|told| told.leaks && told.tag.is_none()));
    }

    fn counts(text: &str) -> Option<(String, u64, u64, u64)> {
        let mut reading = read("", text.as_bytes());
        reading.pieces.retain(|piece| matches!(piece.content, PieceContent::Tags(_)));
        let PieceContent::Tags(tags) = reading.pieces.pop()?.content else { panic!() };
        let [row] = tags.rows[..] else { panic!("{tags:?}") };
        let counters = row.nonpaged;
        Some((row.tag.to_string(), counters.allocs, counters.outstanding, counters.bytes))
    }

    #[test]
    fn counts_in_a_sentence_belong_to_the_tag_it_names() {
        let mdl = Some(("Mdl".to_owned(), 2_492_040, 2_491_864, 0));
        for text in [
            "memory of mdl tag is allocated 2492040 times, but it is only freed 176 times",
            "Nonpaged: tag “Mdl” was allocated 2,492,040 times and freed 176 times.",
            "pool tag Mdl: allocs=2492040 frees=176",
            "mdl tag: 2 492 040 allocations and 176 frees",
            "Das Tag Mdl wurde 2.492.040 mal zugewiesen, aber nur 176 mal freigegeben",
            "tag Mdl has 2492040 allocations and 176 frees",
        ] {
            assert_eq!(counts(text), mdl, "{text}");
        }
        for text in [
            "the pool was allocated 5 times and freed 3 times",
            "the tag was allocated 5 times and freed 3 times",
            "XyzW tag allocated 5 times and freed 3 times",
            "mdl tag allocated many times and freed 3 times",
            "mdl tag allocated 5 times and freed 7 times",
        ] {
            assert_eq!(counts(text), None, "{text}");
        }
    }

    #[test]
    fn posts_in_many_languages_tell_a_tag_that_is_not_freed() {
        for text in [
            "Der nicht ausgelagerte Pool wächst. Das Tag „Qkfs“ hat gut 33 Mio. Allokationen, die praktisch nie \
             freigegeben werden.",
            "非ページ プールが増え続けています。プールタグ「Qkfs」が 3,300 万回割り当てられ、解放はほとんどされていません。",
            "非分页池涨到 38GB。排在第一的标记是 Qkfs,分配了 0.33 亿次,释放次数只有 0 次。",
            "비페이징 풀이 증가합니다. poolmon에서 태그 Qkfs 가 할당 33,000,000회, 해제 0회로 나옵니다.",
            "Pula niestronicowana rośnie. W poolmon jest znacznik Qkfs: 33 mln alokacji, zwolnień tylko 0.",
            "Nestránkovaný fond narostl. Na vrcholu je značka Qkfs: 33 mil. alokací, uvolněno jen 0.",
            "El grupo no paginado crece. La etiqueta \"Qkfs\" con 33.000.000 asignaciones y 0 liberaciones.",
        ] {
            let counted = counts(text);
            assert_eq!(counted, Some(("Qkfs".into(), 33_000_000, 33_000_000, 0)), "{text}");
        }
    }

    #[test]
    fn what_was_before_an_update_and_what_is_supposed_is_no_state() {
        for text in [
            "Before the update a.exe had 1,604,221 handles.",
            "If a tag such as `Qkfs` keeps growing in the nonpaged pool, its driver may leak.",
        ] {
            let combined = combine([read("", text.as_bytes())]);
            assert!(combined.snapshots.is_empty(), "{text}");
            assert!(!combined.told.iter().any(|told| told.tag.is_some() && told.leaks), "{text}");
        }
        let denied = combine([read("", "La réserve non paginée augmente sans cesse.".as_bytes())]);
        assert!(denied.told.iter().any(|told| told.leaks));
    }

    #[test]
    fn a_tag_without_numbers_is_told_with_its_pool() {
        for text in [
            "The nonpaged pool grows. The “qrvt” tag in poolmon grows with it.",
            "非分页缓冲池占用很高\n使用poolMon定位到tag0045\n",
            "Утечка: невыгружаемый пул растет, тег `QrVt`.",
        ] {
            let combined = combine([read("", text.as_bytes())]);
            let told = combined.told.iter().find(|told| told.tag.is_some()).unwrap();
            assert_eq!(told.pool, Some(Pool::Nonpaged), "{text}");
        }
        let reading = read("", "nothing of that kind\nin these lines".as_bytes());
        assert_eq!((reading.pieces.len(), reading.ignored.len()), (0, 2));
        assert!(!reading.pieces.iter().any(|one| matches!(one.content, PieceContent::Told(_))));
    }
}
