//! Folders that Windows knows.

#![expect(unsafe_code, reason = "the call writes into a buffer")]

use std::{ffi::OsString, os::windows::ffi::OsStringExt, path::PathBuf, ptr};

use windows_sys::Win32::{
    Foundation::MAX_PATH,
    UI::Shell::{CSIDL_COMMON_APPDATA, CSIDL_WINDOWS, SHGFP_TYPE_CURRENT, SHGetFolderPathW},
};

use crate::system_folders::SystemFolders;

/// The agent's own folder: its settings file, its log, and the spool when no setting names another.
#[must_use]
pub fn own_folder() -> PathBuf {
    program_data().join("Poolwatch")
}

/// Where paths of the kernel lead.
#[must_use]
pub fn system_folders() -> SystemFolders {
    let windows = known_folder(CSIDL_WINDOWS).unwrap_or_else(|| PathBuf::from(r"C:\Windows"));
    let drive = windows.ancestors().last().map(PathBuf::from).unwrap_or_default();
    SystemFolders { windows, drive }
}

fn program_data() -> PathBuf {
    known_folder(CSIDL_COMMON_APPDATA).unwrap_or_else(|| PathBuf::from(r"C:\ProgramData"))
}

/// A folder by `SHGetFolderPathW` (documented, on every Windows): the environment of a service may name
/// another one.
fn known_folder(number: u32) -> Option<PathBuf> {
    let mut path = [0_u16; MAX_PATH as usize];
    // SAFETY: the buffer has the units that the function may write; no window and no token are needed.
    let result = unsafe {
        SHGetFolderPathW(
            ptr::null_mut(),
            number as i32,
            ptr::null_mut(),
            SHGFP_TYPE_CURRENT as u32,
            path.as_mut_ptr(),
        )
    };
    let length = path.iter().position(|unit| *unit == 0).unwrap_or(0);
    (result == 0 && length > 0).then(|| PathBuf::from(OsString::from_wide(&path[..length])))
}
