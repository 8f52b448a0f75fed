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

#[cfg(test)]
mod tests {
    use super::*;

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
