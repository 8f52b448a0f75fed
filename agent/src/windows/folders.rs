//! Folders that Windows knows.

#![expect(unsafe_code, reason = "the call writes into a buffer")]

use std::{ffi::OsString, os::windows::ffi::OsStringExt, path::PathBuf, ptr};

use windows_sys::Win32::{
    Foundation::MAX_PATH,
    UI::Shell::{CSIDL_COMMON_APPDATA, SHGFP_TYPE_CURRENT, SHGetFolderPathW},
};

/// The agent's own folder: its settings file, its log, and the spool when no setting names another.
#[must_use]
pub fn own_folder() -> PathBuf {
    program_data().join("Poolwatch")
}

/// The folder for data of programs, by `SHGetFolderPathW` (documented, on every Windows): the
/// environment of a service may name another one.
fn program_data() -> PathBuf {
    let mut path = [0_u16; MAX_PATH as usize];
    // SAFETY: the buffer has the units that the function may write; no window and no token are needed.
    let result = unsafe {
        SHGetFolderPathW(
            ptr::null_mut(),
            CSIDL_COMMON_APPDATA as i32,
            ptr::null_mut(),
            SHGFP_TYPE_CURRENT as u32,
            path.as_mut_ptr(),
        )
    };
    let length = path.iter().position(|unit| *unit == 0).unwrap_or(0);
    if result != 0 || length == 0 {
        return PathBuf::from(r"C:\ProgramData");
    }
    PathBuf::from(OsString::from_wide(&path[..length]))
}
