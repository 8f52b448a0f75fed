//! Who owns a file and who may change it, from its security descriptor in self-relative form
//! (documented: `SECURITY_DESCRIPTOR`, `ACL`, `ACE_HEADER`, `SID`).

use super::{RawError, fields::Fields};

/// S-1-5-18, the system.
const SYSTEM: &[u8] = &[1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0];
/// S-1-5-32-544, the administrators.
const ADMINISTRATORS: &[u8] = &[1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0];
/// S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464, the servicing of Windows.
const TRUSTED_INSTALLER: &[u8] = &[
    1, 6, 0, 0, 0, 0, 0, 5, 80, 0, 0, 0, 0xB5, 0x89, 0xFB, 0x38, 0x19, 0x84, 0xC2, 0xCB, 0x5C,
    0x6C, 0x23, 0x6D, 0x57, 0x00, 0x77, 0x6E, 0xC0, 0x02, 0x64, 0x87,
];
/// Rights by which a file's content or its access list can be changed: write and append data, delete a
/// child, extended attributes, attributes, delete, change the list or the owner, and the generic ones.
const CHANGES: u32 = 0x0002 | 0x0004 | 0x0010 | 0x0040 | 0x0100 | 0x000D_0000 | 0x5000_0000;
/// The mark of a descriptor that has a list of access (`SE_DACL_PRESENT`).
const LIST_PRESENT: u16 = 4;
/// An entry that only concerns what lies below (`INHERIT_ONLY_ACE`).
const INHERIT_ONLY: u8 = 8;
/// Bytes of a list of access beyond which it is not believed.
const ENTRIES: usize = 4096;
/// What errors name.
const WHAT: &str = "security descriptor";

/// Whether a file may be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Only the system, the administrators, or who asks can change it.
    Trusted,
    /// It belongs to somebody else.
    ForeignOwner,
    /// Somebody else may change it.
    OthersMayWrite,
}

/// Judges a security descriptor. `own` is the SID of the user who asks.
///
/// # Errors
/// When the bytes are no security descriptor.
pub fn judge(bytes: &[u8], own: &[u8]) -> Result<Trust, RawError> {
    let fields = Fields::without_pointers(bytes, WHAT);
    let owner = match fields.u32(4)? as usize {
        0 => return Ok(Trust::ForeignOwner),
        at => sid(bytes, at)?,
    };
    if ![SYSTEM, ADMINISTRATORS, own].contains(&owner) {
        return Ok(Trust::ForeignOwner);
    }
    // Without a list everybody may do everything.
    let list = match fields.u32(16)? as usize {
        at if at != 0 && fields.u16(2)? & LIST_PRESENT != 0 => at,
        _ => return Ok(Trust::OthersMayWrite),
    };
    let count = usize::from(fields.u16(list.saturating_add(4))?);
    let mut at = list.saturating_add(8);
    for _ in 0..count.min(ENTRIES) {
        let (kind, flags) = (fields.u8(at)?, fields.u8(at.saturating_add(1))?);
        let size = usize::from(fields.u16(at.saturating_add(2))?);
        let rights = fields.u32(at.saturating_add(4))?;
        let concerns_it = flags & INHERIT_ONLY == 0 && rights & CHANGES != 0;
        let may_change = match kind {
            // ACCESS_ALLOWED_ACE_TYPE
            0 => {
                let who = sid(bytes, at.saturating_add(8))?;
                ![SYSTEM, ADMINISTRATORS, TRUSTED_INSTALLER, own].contains(&who)
            }
            // ACCESS_DENIED, SYSTEM_AUDIT and SYSTEM_ALARM.
            1..=3 => false,
            _ => true,
        };
        if concerns_it && may_change {
            return Ok(Trust::OthersMayWrite);
        }
        if size < 8 {
            return Err(RawError::Absurd { what: WHAT, value: size as u64 });
        }
        at = at.saturating_add(size);
    }
    Ok(Trust::Trusted)
}

/// The SID at an offset.
fn sid(bytes: &[u8], at: usize) -> Result<&[u8], RawError> {
    let parts = Fields::without_pointers(bytes, WHAT).u8(at.saturating_add(1))?;
    let end = at.saturating_add(8 + 4 * usize::from(parts));
    bytes.get(at..end).ok_or(RawError::Outside { what: WHAT })
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    const USERS: &[u8] = &[1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x21, 2, 0, 0];
    const CREATOR_OWNER: &[u8] = &[1, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0];
    const MYSELF: &[u8] = &[1, 2, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 0xE8, 3, 0, 0];
    const FULL: u32 = 0x001F_01FF;
    const READ: u32 = 0x0012_00A9;

    /// Kind, flags, rights, whom.
    type Entry<'a> = (u8, u8, u32, &'a [u8]);

    fn descriptor(owner: &[u8], entries: Option<&[Entry<'_>]>) -> Vec<u8> {
        let mut bytes = vec![1, 0, 4, 0x80];
        let list_at = entries.map_or(0, |_| 20 + owner.len() as u32);
        for offset in [20, 0, 0, list_at] {
            bytes.extend(u32::to_le_bytes(offset));
        }
        bytes.extend(owner);
        let Some(entries) = entries else { return bytes };
        bytes.extend([2, 0, 0, 0]);
        bytes.extend((entries.len() as u32).to_le_bytes());
        for (kind, flags, rights, who) in entries {
            bytes.extend([*kind, *flags]);
            bytes.extend((8 + who.len() as u16).to_le_bytes());
            bytes.extend(rights.to_le_bytes());
            bytes.extend(*who);
        }
        bytes
    }

    #[test]
    fn only_what_nobody_else_can_change_is_believed() {
        let ours: Entry<'_> = (0, 0, FULL, SYSTEM);
        for (owner, entries, expected) in [
            (SYSTEM, Some(&[ours, (0, 0, FULL, ADMINISTRATORS)][..]), Trust::Trusted),
            (ADMINISTRATORS, Some(&[ours, (0, 0, READ, USERS)]), Trust::Trusted),
            (MYSELF, Some(&[(0, 0, FULL, MYSELF)]), Trust::Trusted),
            (SYSTEM, Some(&[]), Trust::Trusted),
            (USERS, Some(&[ours]), Trust::ForeignOwner),
            (TRUSTED_INSTALLER, Some(&[ours]), Trust::ForeignOwner),
            // As in %ProgramData%: users may make files and folders.
            (SYSTEM, Some(&[ours, (0, 2, 0x0010_0116, USERS)]), Trust::OthersMayWrite),
            (SYSTEM, Some(&[(0, 0x0B, 0x1000_0000, CREATOR_OWNER)]), Trust::Trusted),
            (SYSTEM, Some(&[(0, 0x03, 0x1000_0000, CREATOR_OWNER)]), Trust::OthersMayWrite),
            (SYSTEM, Some(&[(0, 0, 0x0004_0000, USERS)]), Trust::OthersMayWrite),
            (SYSTEM, Some(&[(1, 0, FULL, USERS)]), Trust::Trusted),
            (SYSTEM, Some(&[(9, 0, FULL, SYSTEM)]), Trust::OthersMayWrite),
            (SYSTEM, None, Trust::OthersMayWrite),
        ] {
            assert_eq!(judge(&descriptor(owner, entries), MYSELF), Ok(expected), "{entries:?}");
        }
    }

    #[test]
    fn a_list_that_is_not_marked_as_present_is_none() {
        let mut bytes = descriptor(SYSTEM, Some(&[(0, 0, FULL, SYSTEM)]));
        assert_eq!(judge(&bytes, MYSELF), Ok(Trust::Trusted));
        bytes[2] = 0;
        assert_eq!(judge(&bytes, MYSELF), Ok(Trust::OthersMayWrite));
    }

    #[test]
    fn a_descriptor_cut_anywhere_is_refused() {
        let whole = descriptor(SYSTEM, Some(&[(0, 0, FULL, ADMINISTRATORS)]));
        for length in 0..whole.len() {
            assert!(judge(&whole[..length], MYSELF).is_err(), "{length}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in vec(any::<u8>(), 0..200)) {
            let _ = judge(&bytes, MYSELF);
        }
    }
}
