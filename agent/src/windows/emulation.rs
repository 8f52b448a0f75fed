//! Whether this program runs on the Windows that it was made for.

#![expect(unsafe_code, reason = "the call stores a number")]

use std::io;

use windows_sys::Win32::System::Threading::{GetCurrentProcess, IsWow64Process};

/// Refuses to run as a 32-bit program on a 64-bit Windows, by `IsWow64Process` (documented): there the
/// answers about the kernel are an emulation's, with figures cut to 32 bits or missing.
///
/// # Errors
/// When this is so, in words that say what to install.
pub fn check_is_native() -> io::Result<()> {
    let mut is_emulated = 0;
    // SAFETY: the handle stands for this process and needs no closing; a number is stored.
    let told = unsafe { IsWow64Process(GetCurrentProcess(), &raw mut is_emulated) };
    if told != 0 && is_emulated != 0 {
        return Err(io::Error::other(
            "this is the agent for 32-bit Windows, and this Windows is 64-bit: install the x64 agent",
        ));
    }
    Ok(())
}
