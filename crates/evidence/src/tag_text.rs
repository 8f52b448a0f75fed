//! Pool tags as tools print them.

use poolwatch_model::PoolTag;

/// The tag of one to four printed characters, padded with spaces. `None` for anything else.
///
/// Characters beyond ASCII are bytes of a single-byte code page. The protection bit, which kernels
/// before Windows 8 set in the last byte, is taken away.
pub(crate) fn tag(text: &str) -> Option<PoolTag> {
    let mut bytes = [b' '; 4];
    let mut length = 0;
    for printed in text.chars() {
        let byte = u8::try_from(u32::from(printed)).ok()?;
        if byte.is_ascii_control() {
            return None;
        }
        *bytes.get_mut(length)? = byte;
        length += 1;
    }
    (length > 0).then(|| PoolTag::new(bytes).unprotected())
}

/// Tags that nearly every machine has.
#[cfg(feature = "texts")]
const EVERYWHERE: [&[u8; 4]; 24] = [
    b"Thre", b"Proc", b"File", b"Even", b"Muta", b"Sema", b"Toke", b"Sect", b"MmSt", b"MmCa",
    b"MmCi", b"EtwB", b"EtwR", b"ALPC", b"CM31", b"CM25", b"ObNm", b"IoNm", b"Ntfx", b"NtfF",
    b"NtxF", b"FMsl", b"FMfn", b"VadS",
];

/// The rows of a table with their tags the right way round: some debuggers print all of them
/// reversed. One reversed tag among others is a driver's, whose author forgot the byte order.
#[cfg(feature = "texts")]
pub(crate) fn straightened(
    mut rows: Vec<poolwatch_model::tag::TagUse>,
) -> Vec<poolwatch_model::tag::TagUse> {
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
#[cfg(feature = "texts")]
fn padded_at_its_end(tag: PoolTag) -> PoolTag {
    let mut bytes = tag.bytes();
    let spaces = bytes.iter().take_while(|byte| **byte == b' ').count();
    bytes.rotate_left(spaces % 4);
    PoolTag::new(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "texts")]
    #[test]
    fn only_a_whole_table_of_reversed_tags_is_turned() {
        let rows = |tags: &[&[u8; 4]]| {
            tags.iter().map(|tag| crate::poolmon::empty(PoolTag::new(**tag))).collect()
        };
        let told = |tags: &[&[u8; 4]]| -> Vec<String> {
            straightened(rows(tags)).iter().map(|row| row.tag.to_string()).collect()
        };
        assert_eq!(told(&[b"erhT", b"eliF", b"  oI", b"dcbA"]), ["Thre", "File", "Io", "Abcd"]);
        assert_eq!(told(&[b"erhT", b"File"]), ["erhT", "File"]);
        assert_eq!(told(&[b"eliF", b"Abcd"]), ["eliF", "Abcd"]);
    }

    #[test]
    fn printed_tags_become_four_bytes() {
        for (text, bytes) in [
            ("Thre", Some(*b"Thre")),
            ("Io", Some(*b"Io  ")),
            ("Dh 1", Some(*b"Dh 1")),
            ("Proã", Some(*b"Proc")),
            ("", None),
            ("Five5", None),
            ("a\tb", None),
            ("a€", None),
            ("a\u{FFFD}", None),
        ] {
            assert_eq!(tag(text), bytes.map(PoolTag::new), "{text}");
        }
    }
}
