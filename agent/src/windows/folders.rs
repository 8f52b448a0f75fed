//! Folders that Windows knows.

#![expect(unsafe_code, reason = "the call returns memory that has to be given back")]

use std::{ffi::OsString, os::windows::ffi::OsStringExt, path::PathBuf, ptr};

use windows_sys::Win32::{
    System::Com::CoTaskMemFree,
    UI::Shell::{FOLDERID_ProgramData, SHGetKnownFolderPath},
};

/// The folder for data of programs, by `SHGetKnownFolderPath` (documented): the environment of a
/// service may name another one.
fn program_data() -> PathBuf {
    let mut text = ptr::null_mut();
    // SAFETY: the function stores a pointer to a text, or null, in `text`; no token is needed.
    let result =
        unsafe { SHGetKnownFolderPath(&FOLDERID_ProgramData, 0, ptr::null_mut(), &raw mut text) };
    let mut units = Vec::new();
    if result == 0 && !text.is_null() {
        let mut at = text;
        // SAFETY: the text ends with a 0, which is not passed.
        while unsafe { *at } != 0 {
            // SAFETY: not yet at the end, as just seen.
            units.push(unsafe { *at });
            // SAFETY: the next unit is at most the ending 0.
            at = unsafe { at.add(1) };
        }
    }
    // SAFETY: the function wants this also after a failure, and null is allowed.
    unsafe { CoTaskMemFree(text.cast()) };
    if units.is_empty() {
        return PathBuf::from(r"C:\ProgramData");
    }
    PathBuf::from(OsString::from_wide(&units))
}

/// The agent's own folder: its settings file, its log, and the spool when no setting names another.
#[must_use]
pub fn own_folder() -> PathBuf {
    program_data().join("Poolwatch")
}
