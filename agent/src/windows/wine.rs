//! Whether this is Windows at all.

#![expect(unsafe_code, reason = "functions are looked up by name")]

use windows_sys::{
    Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress},
    core::{s, w},
};

/// Whether this is Wine, whose `ntdll.dll` exports `wine_get_version` (documented by Wine).
pub(super) fn is_wine() -> bool {
    // SAFETY: the library is part of every process; the name ends with a 0.
    let library = unsafe { GetModuleHandleW(w!("ntdll.dll")) };
    // SAFETY: a null library finds nothing; the name ends with a 0; the function is not called.
    !library.is_null() && unsafe { GetProcAddress(library, s!("wine_get_version")) }.is_some()
}
