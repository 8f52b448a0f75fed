//! Tags that everybody knows.

use poolwatch_model::tag::TagUse;
use poolwatch_model::{Pool, PoolTag};

/// Tags that people name without their pool. Objects that threads wait for must stay resident, and
/// so must I/O requests and their memory lists: all are in nonpaged pool.
const NONPAGED: [&[u8; 4]; 26] = [
    b"NtFC", b"IoFE", b"NVRM", b"Proc", b"Thre", b"File", b"Even", b"Muta", b"Sema", b"Time",
    b"IoCo", b"Mdl ", b"Irp ", b"Job ", b"ALPC", b"EtwR", b"EtwB", b"AfdE", b"AfdC", b"TcpE",
    b"NtxF", b"MmCa", b"IoWI", b"Vad ", b"VadS", b"FMsl",
];
/// Those in paged pool.
const PAGED: [&[u8; 4]; 15] = [
    b"Ntfc", b"SeAt", b"SeTd", b"Toke", b"Key ", b"Sect", b"MmSt", b"CM31", b"CM25", b"Gpbm",
    b"ObNm", b"Obtb", b"NtfF", b"FMfn", b"IoNm",
];

/// The tag, as it is spelled if it is one of those that everybody knows, and its pool.
pub(crate) fn well_known(word: &str) -> Option<(PoolTag, Pool)> {
    // Every word of a text is asked for: nothing is allocated.
    let of = |fits: fn(&[u8], &[u8]) -> bool| {
        let word = word.as_bytes();
        all().find(|(tag, _)| {
            (1..=4).contains(&word.len()) && fits(tag.bytes().trim_ascii_end(), word)
        })
    };
    of(|tag, word| tag == word).or_else(|| of(<[u8]>::eq_ignore_ascii_case))
}

/// The same of a tag, whose capitals count: `NtFC` and `Ntfc` are two.
pub(crate) fn well_known_exactly(tag: PoolTag) -> Option<(PoolTag, Pool)> {
    all().find(|(known, _)| *known == tag)
}

fn all() -> impl Iterator<Item = (PoolTag, Pool)> {
    let of = |tags: &'static [&'static [u8; 4]], pool| {
        tags.iter().map(move |tag| (PoolTag::new(**tag), pool))
    };
    of(&NONPAGED, Pool::Nonpaged).chain(of(&PAGED, Pool::Paged))
}

/// Tags that nearly every machine has.
const EVERYWHERE: [&[u8; 4]; 24] = [
    b"Thre", b"Proc", b"File", b"Even", b"Muta", b"Sema", b"Toke", b"Sect", b"MmSt", b"MmCa",
    b"MmCi", b"EtwB", b"EtwR", b"ALPC", b"CM31", b"CM25", b"ObNm", b"IoNm", b"Ntfx", b"NtfF",
    b"NtxF", b"FMsl", b"FMfn", b"VadS",
];

/// The rows of a table with their tags the right way round: some debuggers print all of them
/// reversed. One reversed tag among others is a driver's, whose author forgot the byte order.
pub(crate) fn straightened(mut rows: Vec<TagUse>) -> Vec<TagUse> {
    let reversed = |tag: PoolTag| {
        let [a, b, c, d] = tag.bytes();
        PoolTag::new([d, c, b, a])
    };
    let known = |tag: PoolTag| EVERYWHERE.iter().any(|known| PoolTag::new(**known) == tag);
    let straight = rows.iter().filter(|row| known(row.tag)).count();
    let wrong = rows.iter().filter(|row| known(reversed(row.tag))).count();
    if straight == 0 && wrong >= 2 {
        for row in &mut rows {
            row.tag = padded_at_its_end(reversed(row.tag));
        }
    }
    rows
}

/// The tag with the spaces before its first letter moved behind its last.
fn padded_at_its_end(tag: PoolTag) -> PoolTag {
    let mut bytes = tag.bytes();
    let spaces = bytes.iter().take_while(|byte| **byte == b' ').count();
    bytes.rotate_left(spaces % 4);
    PoolTag::new(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_table_of_reversed_tags_is_turned() {
        let rows =
            |tags: &[&[u8; 4]]| tags.iter().map(|tag| TagUse::empty(PoolTag::new(**tag))).collect();
        let told = |tags: &[&[u8; 4]]| -> Vec<String> {
            straightened(rows(tags)).iter().map(|row| row.tag.to_string()).collect()
        };
        assert_eq!(told(&[b"erhT", b"eliF", b"  oI", b"dcbA"]), ["Thre", "File", "Io", "Abcd"]);
        assert_eq!(told(&[b"erhT", b"File"]), ["erhT", "File"]);
        assert_eq!(told(&[b"eliF", b"Abcd"]), ["eliF", "Abcd"]);
    }
}
