//! Secrets that only this machine can read again.

#![expect(unsafe_code, reason = "the calls return memory that has to be given back")]

use std::{io, ptr, slice};

use windows_sys::Win32::{
    Foundation::LocalFree,
    Security::Cryptography::{
        CRYPT_INTEGER_BLOB, CRYPTPROTECT_LOCAL_MACHINE, CRYPTPROTECT_UI_FORBIDDEN,
        CryptProtectData, CryptUnprotectData,
    },
};

/// Bound into what is protected: other programs do not reveal it by accident.
const ENTROPY: &[u8] = b"Poolwatch agent, host key";

/// Protects a secret by `CryptProtectData` (documented), for the machine and not for a user: the
/// folder's access list keeps users out, this keeps a stolen file worthless elsewhere.
pub(crate) fn protect(secret: &[u8]) -> io::Result<Vec<u8>> {
    let (input, entropy) = (blob(secret), blob(ENTROPY));
    let mut output = CRYPT_INTEGER_BLOB::default();
    // SAFETY: both blobs are valid during the call, which only reads them; the result is stored in
    // `output`.
    let done = unsafe {
        CryptProtectData(
            &raw const input,
            ptr::null(),
            &raw const entropy,
            ptr::null(),
            ptr::null(),
            CRYPTPROTECT_LOCAL_MACHINE | CRYPTPROTECT_UI_FORBIDDEN,
            &raw mut output,
        )
    };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(taken(output)) }
}

/// Reveals what [`protect`] made on this machine, by `CryptUnprotectData` (documented).
pub(crate) fn reveal(protected: &[u8]) -> io::Result<Vec<u8>> {
    let (input, entropy) = (blob(protected), blob(ENTROPY));
    let mut output = CRYPT_INTEGER_BLOB::default();
    // SAFETY: as in `protect`; no description is asked for.
    let done = unsafe {
        CryptUnprotectData(
            &raw const input,
            ptr::null_mut(),
            &raw const entropy,
            ptr::null(),
            ptr::null(),
            CRYPTPROTECT_UI_FORBIDDEN,
            &raw mut output,
        )
    };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(taken(output)) }
}

fn blob(bytes: &[u8]) -> CRYPT_INTEGER_BLOB {
    // The pointer is mutable in the type alone.
    CRYPT_INTEGER_BLOB { cbData: bytes.len() as u32, pbData: bytes.as_ptr().cast_mut() }
}

/// The bytes of a blob that Windows gave, which is given back.
fn taken(blob: CRYPT_INTEGER_BLOB) -> Vec<u8> {
    if blob.pbData.is_null() {
        return Vec::new();
    }
    // SAFETY: after success the blob has as many bytes as it says.
    let bytes = unsafe { slice::from_raw_parts(blob.pbData, blob.cbData as usize) }.to_vec();
    // SAFETY: the memory is wanted back this way, and was just copied.
    unsafe { LocalFree(blob.pbData.cast()) };
    bytes
}
