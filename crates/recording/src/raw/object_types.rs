//! `NtQueryObject` class 3, `ObjectTypesInformation`: totals of every kernel object type.
//!
//! The count is at 0, the first type at the next pointer. Each structure is followed by its name, padded to the
//! size of a pointer; the next type follows that. The type's number is there on Windows 8.1 and
//! later; before, it is the position plus 2.

use std::collections::HashSet;

use poolwatch_model::process::ObjectTypeUse;
use poolwatch_protocol::limits;

use super::{RawBuffer, RawError, fields::Fields, layout};

/// Number of the first type on a Windows that does not tell it.
const FIRST_INDEX: u16 = 2;

/// One object type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectType {
    /// Its number, as handles of class 64 name their type.
    pub index: u16,
    /// Its totals.
    pub totals: ObjectTypeUse,
}

/// Reads the types, in the kernel's order. The buffer may be longer than what was filled: the call's
/// own length cannot be trusted.
///
/// # Errors
/// When the buffer is cut short, has no or too many types, a name points outside, or two types have
/// the same name.
pub fn parse(buffer: RawBuffer<'_>) -> Result<Vec<ObjectType>, RawError> {
    let what = "object type list";
    let at = layout::object_type(buffer.width);
    let pointer = buffer.width.bytes();
    let buffer = Fields::new(buffer, what);
    let count = buffer.u32(0)?;
    if count == 0 {
        return Err(RawError::Empty { what });
    }
    let limit = limits::OBJECT_TYPES;
    if count as usize > limit {
        return Err(RawError::TooMany { what, count: count.into(), limit });
    }
    let mut types = Vec::with_capacity(count as usize);
    let mut names = HashSet::with_capacity(count as usize);
    let mut start = pointer;
    for position in 0..count as u16 {
        let entry = buffer.from(start)?;
        entry.slice(0, at.size)?;
        let name = buffer.unicode_string(start + at.type_name)?;
        if name.is_empty() {
            return Err(RawError::Empty { what: "name of an object type" });
        }
        if !names.insert(name.clone()) {
            return Err(RawError::Twice { what: "an object type" });
        }
        let index = match entry.u8(at.type_index)? {
            0 => position + FIRST_INDEX,
            index => index.into(),
        };
        let totals = ObjectTypeUse {
            name,
            objects: entry.u32(at.objects)?,
            handles: entry.u32(at.handles)?,
            peak_objects: entry.u32(at.peak_objects)?,
            peak_handles: entry.u32(at.peak_handles)?,
        };
        types.push(ObjectType { index, totals });
        let name_size = usize::from(entry.u16(at.type_name + 2)?);
        start += at.size + name_size.next_multiple_of(pointer);
    }
    Ok(types)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::synthetic::{SyntheticWindows, TARGETS, X64};

    fn example() -> Vec<ObjectType> {
        [("Type", 2), ("Directory", 3), ("Thread", 8), ("File", 37)]
            .into_iter()
            .map(|(name, index)| ObjectType {
                index,
                totals: ObjectTypeUse {
                    name: name.into(),
                    objects: 100 * u32::from(index),
                    handles: 90 * u32::from(index),
                    peak_objects: 200 * u32::from(index),
                    peak_handles: 190 * u32::from(index),
                },
            })
            .collect()
    }

    #[test]
    fn types_are_read_with_names_and_numbers() {
        for target in TARGETS {
            let mut bytes = target.object_types(&example());
            assert_eq!(parse(target.buffer(&bytes)), Ok(example()));
            // The rest of a buffer that was too large is not looked at.
            bytes.extend([0xAA; 100]);
            assert_eq!(parse(target.buffer(&bytes)), Ok(example()));
        }
    }

    #[test]
    fn before_windows_8_1_the_number_is_the_position_plus_two() {
        let mut types = example();
        for each in &mut types {
            each.index = 0;
        }
        let bytes = X64.object_types(&types);
        let indices: Vec<u16> =
            parse(X64.buffer(&bytes)).unwrap().iter().map(|t| t.index).collect();
        assert_eq!(indices, [2, 3, 4, 5]);
    }

    #[test]
    fn lies_are_refused() {
        let bytes = X64.object_types(&example());
        assert_eq!(
            parse(SyntheticWindows { base: X64.base + (1 << 30), ..X64 }.buffer(&bytes)),
            Err(RawError::Outside { what: "object type list" })
        );
        let with_count = |count: u32| {
            let mut bytes = bytes.clone();
            bytes[..4].copy_from_slice(&count.to_le_bytes());
            parse(X64.buffer(&bytes))
        };
        assert!(matches!(with_count(0), Err(RawError::Empty { .. })));
        assert!(matches!(with_count(5), Err(RawError::Truncated { .. })));
        assert!(matches!(with_count(u32::MAX), Err(RawError::TooMany { .. })));
        let mut twice = example();
        twice[3].totals.name = "Thread".into();
        assert!(matches!(
            parse(X64.buffer(&X64.object_types(&twice))),
            Err(RawError::Twice { .. })
        ));
    }

    #[test]
    fn a_list_cut_anywhere_is_refused() {
        let whole = X64.object_types(&example());
        // After the last name there is nothing but padding.
        for length in 0..whole.len() - 8 {
            assert!(parse(X64.buffer(&whole[..length])).is_err(), "{length}");
        }
    }

    proptest! {
        #[test]
        fn no_input_panics(bytes: Vec<u8>, base: u64) {
            let _ = TARGETS.map(|target| parse(SyntheticWindows { base, ..target }.buffer(&bytes)));
        }

        #[test]
        fn no_damage_panics(
            damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        ) {
            let mut bytes = X64.object_types(&example());
            for (at, value) in damage {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            let _ = TARGETS.map(|target| parse(target.buffer(&bytes)));
        }
    }
}
