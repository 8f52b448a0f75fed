//! The machine's proxy, as `netsh winhttp set proxy` keeps it.

#![expect(unsafe_code, reason = "the call returns memory that has to be given back")]

use windows_sys::{
    Win32::{
        Foundation::GlobalFree,
        Networking::WinHttp::{
            WINHTTP_ACCESS_TYPE_NAMED_PROXY, WINHTTP_PROXY_INFO,
            WinHttpGetDefaultProxyConfiguration,
        },
    },
    core::PWSTR,
};

/// Units of a text that are read.
const LONGEST: usize = 32 << 10;

/// Proxies and the hosts that are reached without, by `WinHttpGetDefaultProxyConfiguration`
/// (documented); `None` when there is none.
pub(crate) fn machine_proxy() -> Option<(String, String)> {
    let mut info = WINHTTP_PROXY_INFO::default();
    // SAFETY: the structure is written whole.
    if unsafe { WinHttpGetDefaultProxyConfiguration(&raw mut info) } == 0 {
        return None;
    }
    let (proxies, bypass) = (taken(info.lpszProxy), taken(info.lpszProxyBypass));
    (info.dwAccessType == WINHTTP_ACCESS_TYPE_NAMED_PROXY && !proxies.is_empty())
        .then_some((proxies, bypass))
}

/// A text that Windows gave, which is given back.
fn taken(text: PWSTR) -> String {
    if text.is_null() {
        return String::new();
    }
    let mut units = Vec::new();
    // SAFETY: the text ends with a 0, which is not passed.
    while units.len() < LONGEST && unsafe { *text.add(units.len()) } != 0 {
        // SAFETY: not yet at the end, as just seen.
        units.push(unsafe { *text.add(units.len()) });
    }
    // SAFETY: the memory is wanted back this way, and was just copied.
    unsafe { GlobalFree(text.cast()) };
    String::from_utf16_lossy(&units)
}
