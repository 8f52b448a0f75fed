//! A value of the registry as the text that a setting is checked by.

use super::Kind;

/// Types of values (documented in `winnt.h`).
const SZ: u32 = 1;
const EXPAND_SZ: u32 = 2;
const DWORD: u32 = 4;
const DWORD_BIG_ENDIAN: u32 = 5;
const MULTI_SZ: u32 = 7;
const QWORD: u32 = 11;

/// The text of a value: of numbers their digits, of lists their parts with commas between.
///
/// # Errors
/// When it is of a type that no setting has, in words that follow the setting's name.
pub(super) fn read_value(kind: u32, bytes: &[u8], of: &Kind) -> Result<String, String> {
    let number = match (kind, bytes) {
        (DWORD, &[a, b, c, d]) => Some(u32::from_le_bytes([a, b, c, d]).into()),
        (DWORD_BIG_ENDIAN, &[a, b, c, d]) => Some(u32::from_be_bytes([a, b, c, d]).into()),
        (QWORD, bytes) => bytes.try_into().ok().map(u64::from_le_bytes),
        _ => None,
    };
    match (number, of, kind) {
        (Some(0), Kind::Switch, _) => Ok("false".to_owned()),
        (Some(1), Kind::Switch, _) => Ok("true".to_owned()),
        (Some(number), ..) => Ok(number.to_string()),
        (None, _, SZ | EXPAND_SZ) => Ok(texts(bytes).next().unwrap_or_default()),
        (None, _, MULTI_SZ) => {
            Ok(texts(bytes).filter(|text| !text.is_empty()).collect::<Vec<_>>().join(","))
        }
        (None, ..) => Err(format!(
            "is of type {kind} in the registry; it has to be a text (REG_SZ) or a number (REG_DWORD)"
        )),
    }
}

/// The texts that end with a 0 each, one after the other.
fn texts(bytes: &[u8]) -> impl Iterator<Item = String> {
    let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let units: Vec<u16> = units.collect();
    let texts: Vec<String> = units.split(|unit| *unit == 0).map(String::from_utf16_lossy).collect();
    texts.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn every_way_to_write_a_value_is_read_and_others_are_refused_without_their_content() {
        let number = Kind::Number(10..=3600);
        for (kind, bytes, of, expected) in [
            (SZ, wide("90\0"), &number, Some("90")),
            (SZ, wide("90"), &number, Some("90")),
            (SZ, wide("90\0left over\0"), &number, Some("90")),
            (EXPAND_SZ, wide("%ProgramData%\\a\0"), &Kind::Path, Some("%ProgramData%\\a")),
            (DWORD, vec![90, 0, 0, 0], &number, Some("90")),
            (DWORD, vec![1, 0, 0, 0], &Kind::Switch, Some("true")),
            (DWORD, vec![7, 0, 0, 0], &Kind::Switch, Some("7")),
            (DWORD_BIG_ENDIAN, vec![0, 0, 0, 90], &number, Some("90")),
            (QWORD, vec![90, 0, 0, 0, 0, 0, 0, 0], &number, Some("90")),
            (QWORD, vec![0, 0, 0, 0, 1, 0, 0, 0], &number, Some("4294967296")),
            (MULTI_SZ, wide("web\0berlin\0\0"), &Kind::Labels, Some("web,berlin")),
            (SZ, Vec::new(), &Kind::Word, Some("")),
            (DWORD, vec![90, 0], &number, None),
            (QWORD, vec![90, 0, 0, 0], &number, None),
            (3, wide("pwe_hush\0"), &Kind::Word, None),
            (0, wide("pwe_hush\0"), &Kind::Word, None),
        ] {
            let read = read_value(kind, &bytes, of);
            assert_eq!(read.as_deref().ok(), expected, "{kind} {bytes:?}");
            assert!(!read.err().unwrap_or_default().contains("hush"));
        }
    }
}
