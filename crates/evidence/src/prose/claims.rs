//! What a sentence says of the tags, pools and programs that it names.

use poolwatch_model::process::ProcessUse;
use poolwatch_model::{Pool, PoolTag};

use super::names::{self, is_program};
use super::tokens::{Amount, Kind, Token};
use super::words;
use crate::well_known_tags::well_known_exactly;
use crate::{image_names, pool_words};

/// Bytes below which an amount is the size of one allocation.
const SIZE_OF_ONE: u64 = 64 << 10;
/// More tags of a sentence are a list.
const MAX_TAGS: usize = 16;
/// How far a word may be from the amount that it is about.
const NEAR: usize = 3;
/// How far the word for a bound may be from it.
const BOUND: usize = 6;

/// What is said of a tag.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct OfTag {
    pub(super) bytes: Option<u64>,
    pub(super) outstanding: Option<u64>,
    /// All allocations, where their frees are told as well.
    pub(super) allocs: Option<u64>,
    pub(super) is_never_freed: bool,
    /// Growth in bytes, and over how long where that is told.
    pub(super) grown: Option<(u64, Option<u64>)>,
    pub(super) leaks: bool,
    pub(super) line: u32,
}

/// A claim of one sentence.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Claim {
    Tag(PoolTag, Option<Pool>, OfTag),
    /// So much of a pool is in use.
    Pool(Pool, u64, u32),
    /// A pool grows.
    Leak(Pool, u32),
    Physical(u64, u32),
    Handles(ProcessUse, u32),
}

/// What all sentences of a text share.
#[derive(Debug, Default)]
pub(super) struct Context<'a> {
    /// Tags that the text names.
    pub(super) tags: Vec<PoolTag>,
    /// The one pool that it is about.
    pub(super) pool: Option<Pool>,
    /// The one program that it names.
    pub(super) program: Option<&'a str>,
}

/// A sentence, as its claims are looked for.
struct Sentence<'s, 't> {
    tokens: &'s [Token<'t>],
    words: Vec<&'s str>,
    /// The place of the amount that is all memory of the machine.
    physical: Option<usize>,
}

/// The claims of a sentence.
pub(super) fn claims(tokens: &[Token<'_>], context: &Context<'_>) -> Vec<Claim> {
    let words = tokens.iter().map(|token| token.lower.as_str()).collect();
    let mut sentence = Sentence { tokens, words, physical: None };
    sentence.physical = sentence.find_physical();
    let mut claims = Vec::new();
    if sentence.is_mended() {
        return claims;
    }
    let tags = names::tags(tokens, &context.tags);
    if let Some(at) = sentence.physical
        && let Some(amount) = tokens[at].amount()
    {
        claims.push(Claim::Physical(amount.value, tokens[at].line));
    }
    if tags.is_empty() {
        claims.extend(sentence.of_pool());
    } else {
        claims.extend(sentence.of_tags(&tags, context));
    }
    claims.extend(sentence.handles(context));
    claims
}

impl Sentence<'_, '_> {
    /// Whether a word within some tokens before a place fits.
    fn before(&self, at: usize, distance: usize, fits: impl Fn(&str) -> bool) -> bool {
        self.words[at.saturating_sub(distance)..at].iter().any(|word| fits(word))
    }

    fn behind(&self, at: usize, distance: usize, fits: impl Fn(&str) -> bool) -> bool {
        let from = (at + 1).min(self.words.len());
        self.words[from..self.words.len().min(at + 1 + distance)].iter().any(|word| fits(word))
    }

    /// Whether a denial stands shortly before a place. That of a pool's name is none.
    fn is_denied(&self, at: usize) -> bool {
        let denies = |at| words::denies(self.words[at]) && !pool_words::is_of_name(&self.words, at);
        (at.saturating_sub(NEAR)..at).any(denies)
    }

    /// Whether it tells what was before an update that mended it.
    fn is_mended(&self) -> bool {
        (0..self.words.len())
            .any(|at| words::is_update(self.words[at]) && self.before(at, NEAR, words::is_before))
    }

    /// Whether an amount is usual, a bound or denied, and not measured.
    fn is_norm(&self, at: usize) -> bool {
        // `More than` is a bound that was passed, unless it is denied.
        let before = &self.words[at.saturating_sub(NEAR)..at];
        // `Threshold for nonpaged pool: 8 GB`.
        let mut wider = self.words[at.saturating_sub(BOUND)..at].windows(2);
        let is_bound = wider.any(|pair| words::is_bound(pair[0]) && words::is_of(pair[1]));
        let is_more = before.windows(2).any(|pair| pair == ["more", "than"]);
        let is_norm = |word: &&str| words::is_norm(word) && !(is_more && *word == "than");
        let is_signed = self.tokens[at].sign.is_some_and(|sign| sign != '+');
        is_signed || is_bound || self.is_denied(at) || before.iter().any(is_norm)
    }

    /// Whether freeing is denied: `never freed`, `0 frees`, `unreleased`.
    fn is_never_freed(&self) -> bool {
        (0..self.words.len()).any(|at| {
            words::frees(self.words[at])
                && (self.is_denied(at)
                    || self.before(at, NEAR, |word| word == "0")
                    || words::denies_unspaced(self.words[at]))
                || self.words[at].starts_with("unreleas")
                || self.words[at].starts_with("unfreed")
        })
    }

    /// Whether something is said to grow or leak, and not denied.
    fn leaks(&self) -> bool {
        let grows = |at: &usize| words::leaks(self.words[*at]) && !self.is_denied(*at);
        (0..self.words.len()).any(|at| grows(&at)) || self.is_never_freed()
    }

    /// Whether it says what may be, and not what is.
    fn would_be(&self) -> bool {
        self.words.iter().any(|word| words::would_be(word))
    }

    /// The amount that is all memory of the machine.
    fn find_physical(&self) -> Option<usize> {
        (0..self.tokens.len()).find(|at| {
            let is_bytes = self.tokens[*at]
                .amount()
                .is_some_and(|one| one.is_bytes && one.per_s.is_none() && one.value >= 512 << 20);
            is_bytes
                && (self.behind(*at, 2, words::is_all_memory)
                    || self.before(*at, 2, words::is_all_memory))
                && !self.before(*at, NEAR, words::is_part_of_memory)
                && !self.behind(*at, 2, words::is_part_of_memory)
                && !self.is_norm(*at)
        })
    }

    /// States among amounts: places of those in bytes, or of counts that are of a tag.
    fn states(&self, from: usize, to: usize, in_bytes: bool) -> Vec<usize> {
        (from..to)
            .filter(|at| Some(*at) != self.physical)
            .filter(|at| {
                let Some(amount) = self.tokens[*at].amount() else { return false };
                let is_state = amount.per_s.is_none() && self.tokens[*at].sign.is_none();
                is_state
                    && !self.is_norm(*at)
                    && amount.is_bytes == in_bytes
                    && match in_bytes {
                        true => {
                            amount.value >= SIZE_OF_ONE && !self.before(*at, 1, |word| word == "by")
                        }
                        false => {
                            let is_event =
                                |word: &str| words::is_handles(word) || word.starts_with("process");
                            self.behind(*at, 2, words::is_counted) && !self.behind(*at, 1, is_event)
                        }
                    }
            })
            .collect()
    }

    /// The one state among several: the only one, or where `from … to …` leads.
    fn one(&self, places: &[usize]) -> Option<u64> {
        let value = |at: &usize| self.tokens[*at].amount().map(|amount| amount.value);
        let mut distinct: Vec<u64> = places.iter().filter_map(value).collect();
        distinct.sort_unstable();
        distinct.dedup();
        if let [only] = distinct[..] {
            return Some(only);
        }
        let last = places.last().filter(|last| self.before(**last, NEAR, words::is_now));
        if let Some(last) = last {
            return value(last);
        }
        let reaches = |word: &str| {
            matches!(word, "to" | "auf" | "à" | "hasta" | "до" | "exceed" | "exceeded" | "reached")
        };
        let ends = places.iter().rfind(|at| self.before(**at, NEAR, reaches))?;
        let is_last = places.last() == Some(ends);
        let begins =
            |word: &str| matches!(word, "from" | "von" | "de" | "desde" | "с" | "around" | "jumps");
        (is_last && self.words.iter().any(|word| begins(word))).then(|| value(ends))?
    }

    /// The allocations and frees that stand beside their words: `allocated 2492040 times, freed 176
    /// times`.
    fn allocs_and_frees(&self, from: usize, to: usize) -> Option<(u64, u64)> {
        let counted = |is_it: fn(&str) -> bool| {
            let mut places = (from..to).filter(|at| is_it(self.words[*at]));
            let at = places.next().filter(|_| places.next().is_none())?;
            let count = |place: usize| {
                let amount = self.tokens.get(place)?.amount()?;
                (!amount.is_bytes && amount.per_s.is_none()).then_some((place, amount.value))
            };
            let before = |back| count(at.checked_sub(back)?);
            count(at + 1).or_else(|| before(1)).or_else(|| count(at + 2)).or_else(|| before(2))
        };
        let (allocs, frees) = (counted(words::allocates)?, counted(words::frees)?);
        (allocs.0 != frees.0 && frees.1 <= allocs.1).then_some((allocs.1, frees.1))
    }

    fn of_tags(&self, tags: &[(usize, PoolTag)], context: &Context<'_>) -> Vec<Claim> {
        let mut distinct: Vec<PoolTag> = tags.iter().map(|(_, tag)| *tag).collect();
        distinct.sort();
        distinct.dedup();
        distinct.truncate(MAX_TAGS);
        let is_supposed = self.words.iter().any(|word| words::supposes(word));
        let leaks = self.leaks() && !is_supposed;
        let is_never_freed = self.is_never_freed() && !is_supposed;
        let named = pool_words::in_sentence(&self.words);
        let mut claims = Vec::new();
        for tag in distinct.iter().copied() {
            let Some(place) = tags.iter().position(|(_, one)| *one == tag) else { continue };
            let at = tags[place].0;
            // One tag has all amounts of its sentence; of several each has those behind it.
            let (from, to) = match distinct.len() {
                1 => (0, self.tokens.len()),
                _ => (at, tags.get(place + 1).map_or(self.tokens.len(), |(next, _)| *next)),
            };
            let known = well_known_exactly(tag).map(|(_, pool)| pool);
            let pool = named.or(known).or(context.pool);
            let rate = (from..to).filter_map(|at| {
                let amount = self.tokens[at].amount().filter(|one| one.is_bytes)?;
                let is_change = self.tokens[at].sign == Some('+')
                    || self.before(at, 1, |word| word == "by" || word == "um");
                let span = || {
                    self.tokens.iter().find_map(|token| match token.kind {
                        Kind::Span(seconds) if seconds > 0 => Some(seconds),
                        _ => None,
                    })
                };
                let fits = !self.is_denied(at) && !is_supposed;
                match amount.per_s {
                    Some(per_s) => Some((amount.value, Some(per_s))).filter(|_| fits),
                    None => (is_change && fits).then(|| (amount.value, span())),
                }
            });
            let grown = rate.max_by_key(|(value, _)| *value);
            let bytes = self.one(&self.states(from, to, true));
            let counted = self.allocs_and_frees(from, to);
            let outstanding = match counted {
                Some((allocs, frees)) => Some(allocs - frees),
                None => self.one(&self.states(from, to, false)),
            };
            let line = tags[place].0;
            claims.push(Claim::Tag(
                tag,
                pool,
                OfTag {
                    bytes,
                    outstanding,
                    allocs: counted.map(|(allocs, _)| allocs),
                    is_never_freed: is_never_freed || leaks && outstanding.is_some(),
                    grown,
                    leaks,
                    line: self.tokens[line].line,
                },
            ));
        }
        claims
    }

    /// What a sentence says of both pools, each with its amount behind it: `paged pool 900 MB, nonpaged
    /// 600 MB`.
    fn of_both_pools(&self) -> Vec<Claim> {
        let named = (0..self.words.len())
            .filter_map(|at| Some((at, pool_words::named_pool(&self.words, at)?)));
        let named: Vec<(usize, Pool)> = named.collect();
        let [(first, one), (second, other)] = named[..] else { return Vec::new() };
        let is_of_program = self.words.iter().any(|word| is_program(word));
        if one == other || is_of_program || self.would_be() {
            return Vec::new();
        }
        let ends = [(first, one, second), (second, other, self.words.len())];
        let claims = ends.map(|(at, pool, end)| {
            let place = *self.states(at, end.min(at + 1 + NEAR), true).first()?;
            let amount = self.tokens[place].amount()?;
            Some(Claim::Pool(pool, amount.value, self.tokens[place].line))
        });
        let claims: Option<Vec<Claim>> = claims.into_iter().collect();
        claims.unwrap_or_default()
    }

    /// What a sentence without tags says of the one pool that it names.
    fn of_pool(&self) -> Vec<Claim> {
        let Some(pool) = pool_words::in_sentence(&self.words) else { return self.of_both_pools() };
        let mut claims = Vec::new();
        let named =
            (0..self.words.len()).find(|at| pool_words::named_pool(&self.words, *at).is_some());
        let is_of_program = self.words.iter().any(|word| is_program(word));
        if !is_of_program && !self.would_be() {
            let places = self.states(0, self.tokens.len(), true);
            let value = |at: &usize| self.tokens[*at].amount().map_or(0, |amount| amount.value);
            let nearest = || {
                let named = named.unwrap_or(0);
                places.iter().min_by_key(|at| at.abs_diff(named)).map(value)
            };
            let used = self.one(&places).or_else(nearest).filter(|used| *used >= SIZE_OF_ONE);
            let line = places.first().map_or(0, |at| self.tokens[*at].line);
            claims.extend(used.map(|used| Claim::Pool(pool, used, line)));
        }
        if self.leaks() && !is_of_program {
            claims.push(Claim::Leak(pool, self.tokens.first().map_or(0, |token| token.line)));
        }
        claims
    }

    /// How many handles the one program of a sentence, or of its text, is said to hold.
    fn handles(&self, context: &Context<'_>) -> Option<Claim> {
        let at = self.words.iter().position(|word| words::is_handles(word))?;
        let image = match names::programs(self.tokens)[..] {
            [image] => image,
            [] => self.called().or(context.program)?,
            _ => return None,
        };
        let handle_words = self.words.iter().filter(|word| words::is_handles(word)).count();
        let count = |at: usize| -> Option<Amount> {
            let amount = self.tokens.get(at)?.amount()?;
            let is_pid = at > 0 && matches!(self.words[at - 1], "pid" | "id");
            let is_count = !amount.is_bytes && amount.per_s.is_none() && !is_pid;
            (is_count && !self.is_norm(at)).then_some(amount)
        };
        // `1.6 million open handles`, `handle count (of …): 90 472`, `handles used by … : 69,000`.
        let before = (1..=NEAR).find_map(|back| {
            let place = at.checked_sub(back)?;
            count(place)
        });
        let is_counted_behind = at == 0 && self.words.len() <= 3
            || self.words[at].contains("count")
            || self.words[at].contains("anzahl")
            || self.words.get(at + 1).is_some_and(|word| *word == "count" || *word == "used");
        let behind = || (at + 1..self.tokens.len().min(at + 8)).find_map(count);
        let found = if is_counted_behind { behind() } else { before.filter(|_| handle_words == 1) };
        let handles = u32::try_from(found?.value).ok()?;
        let pid = self.words.iter().position(|word| *word == "pid");
        let pid = pid.and_then(|at| self.words.get(at + 1)?.parse().ok()).unwrap_or(0);
        let mut process = ProcessUse::new(pid, None, image_names::image(image));
        process.handles = Some(handles);
        Some(Claim::Handles(process, self.tokens[at].line))
    }

    /// The name that a sentence calls a process by: `process labelsvc (pid 2764)`.
    fn called(&self) -> Option<&str> {
        let at = (1..self.words.len())
            .find(|at| matches!(self.words[at - 1], "process" | "program" | "service"))?;
        let is_name = self.tokens[at].text.len() > 3 && self.words.get(at + 1) == Some(&"pid");
        is_name.then_some(self.tokens[at].text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prose::tokens::tokens;

    fn told(text: &str) -> Vec<Claim> {
        claims(&tokens(text, &|_| 1), &Context::default())
    }

    #[test]
    fn a_tag_has_the_numbers_of_its_sentence() {
        for (text, expected) in [
            (
                "Tag Qvfz takes 2147483648 bytes of nonpaged pool in 8388410 allocations.",
                Some((2 << 30, 8_388_410, false)),
            ),
            (
                "Qvfz went up to ~730 MB of nonpaged pool with about 3.4 million allocations that were never freed.",
                Some((730 << 20, 3_400_000, true)),
            ),
            ("The tag Qvfz has leaked 318400 allocations (nonpaged).", Some((0, 318_400, true))),
            ("Qvfz grew from 100 MB to 2 GB in nonpaged pool", Some((2 << 30, 0, false))),
            ("Qvfz has no more than 2 GB of nonpaged pool", Some((0, 0, false))),
            ("Qvfz has 2 GB, and 3 GB are left of nonpaged pool", Some((0, 0, false))),
            ("this takes 2 GB of nonpaged pool", None),
        ] {
            let found = told(text).into_iter().find_map(|claim| match claim {
                Claim::Tag(_, pool, of) => {
                    assert_eq!(pool, Some(Pool::Nonpaged));
                    let number = |told: Option<u64>| told.unwrap_or(0);
                    Some((number(of.bytes), number(of.outstanding), of.is_never_freed))
                }
                _ => None,
            });
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn growth_and_pools_are_told_apart_from_states() {
        let [Claim::Tag(_, _, of)] = &told("Qvfz grew by 100 MB per hour in nonpaged pool")[..]
        else {
            panic!()
        };
        assert_eq!((of.bytes, of.grown, of.leaks), (None, Some((100 << 20, Some(3600))), true));
        let pool = |text| {
            told(text).into_iter().find_map(|claim| match claim {
                Claim::Pool(pool, used, _) => Some((pool, used >> 30)),
                _ => None,
            })
        };
        for (text, expected) in [
            ("Kernel **nonpaged pool** measured **~12.3 GB** here", Some((Pool::Nonpaged, 12))),
            ("21.35 GB pinned in non-paged pool", Some((Pool::Nonpaged, 21))),
            (
                "my paged pool jumps to about 4GB then slowly increases to about 150GB",
                Some((Pool::Paged, 150)),
            ),
            ("normally nonpaged pool stays under 1 GB", None),
            ("nonpaged pool leaks at 2 GB/h", None),
            ("Alert threshold for nonpaged pool: 8 GB", None),
            ("At its limit, the nonpaged pool takes 8 GB", Some((Pool::Nonpaged, 8))),
            ("El grupo no paginado crece 2 GB cada día", None),
            ("非分页缓冲池占用了 12 GB", Some((Pool::Nonpaged, 12))),
            ("Der nicht ausgelagerte Pool belegt 9 GB", Some((Pool::Nonpaged, 9))),
            ("the page file has 8 GB and is paged out", None),
            (
                "nonpaged pool was 800 MB on Monday, 2.9 GB yesterday and is now 7.3 GB",
                Some((Pool::Nonpaged, 7)),
            ),
            ("nonpaged pool takes 3 GB, paged pool 2 GB", Some((Pool::Nonpaged, 3))),
            ("nonpaged pool is larger than paged pool, 2 GB", None),
        ] {
            assert_eq!(pool(text), expected, "{text}");
        }
        assert!(told("on my 32GB system it fills").contains(&Claim::Physical(32 << 30, 1)));
        assert!(told("with 30 GB of free RAM").is_empty());
    }

    #[test]
    fn a_sentence_tells_the_handles_of_its_one_program() {
        for (text, expected) in [
            ("explorer.exe has 359,617 handles", Some(("explorer.exe", 0, 359_617))),
            ("lsass.exe pid 700 handles", None),
            ("labelsvc.exe has about 174K handles open", Some(("labelsvc.exe", 0, 174_000))),
            ("labelsvc.exe has 1.6 million handles", Some(("labelsvc.exe", 0, 1_600_000))),
            (
                "Process labelsvc (pid 2764) is holding 1,604,221 handles.",
                Some(("labelsvc.exe", 2764, 1_604_221)),
            ),
            ("the process that leaks has 5000 handles", None),
            ("lsass.exe (PID 700): handle count is 90,472.", Some(("lsass.exe", 700, 90_472))),
            ("HandleCount of svchost.exe = 50123", Some(("svchost.exe", 0, 50_123))),
            ("handles used by simplewall.exe: ~69000", Some(("simplewall.exe", 0, 69_000))),
            ("Foo.exe hat 120.000 offene Handles", Some(("Foo.exe", 0, 120_000))),
            ("foo.exe has no more than 120,000 handles", None),
            ("foo.exe and bar.exe have 120,000 handles", None),
            ("Handles 60000 foo.exe", Some(("foo.exe", 0, 60_000))),
            ("foo.exe has many handles", None),
            ("the system has 120,000 handles", None),
            ("foo.exe lost 3 of 500 handles and 7 more handles", None),
        ] {
            let found = told(text).into_iter().find_map(|claim| match claim {
                Claim::Handles(one, _) => {
                    Some((one.image.clone(), one.key.pid, one.handles.unwrap()))
                }
                _ => None,
            });
            let found = found.as_ref().map(|(image, pid, count)| (image.as_str(), *pid, *count));
            assert_eq!(found, expected, "{text}");
        }
    }
}
