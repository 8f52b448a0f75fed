//! What numbers of Windows' errors mean for whoever tries again.

use std::io;

/// Whether an error passes: the machine lacks resources, another process holds the file, or a service that
/// the call needs does not answer now. Documented in `winerror.h` and `ntstatus.h`.
pub(crate) fn passes(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|code| {
        let code = code.cast_unsigned();
        // Sharing and lock violations; RPC: no server, too busy, failed, no endpoint.
        is_shortage(code) || matches!(code, 32 | 33 | 1722 | 1723 | 1726 | 1753)
    })
}

/// Whether the machine lacks resources, so that the same may succeed later: out of memory, no system
/// resources, no paging file, no buffers, `STATUS_INSUFFICIENT_RESOURCES`, `STATUS_NO_MEMORY`.
pub(crate) const fn is_shortage(code: u32) -> bool {
    matches!(code, 8 | 14 | 1450 | 1455 | 10055 | 0xC000_009A | 0xC000_0017)
}

/// Whether a path can never be one: its name, its form, its length, or a file where a folder is named.
#[cfg(any(windows, test))]
pub(crate) fn is_impossible_path(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(123 | 161 | 206 | 267))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_told_from_what_does_not() {
        for (code, does) in
            [(32, true), (1450, true), (1722, true), (2, false), (5, false), (13, false)]
        {
            assert_eq!(passes(&io::Error::from_raw_os_error(code)), does, "{code}");
        }
        assert!(!passes(&io::Error::other("refused")));
        assert!(is_impossible_path(&io::Error::from_raw_os_error(206)));
        // A volume that is not there yet, and a full disk.
        assert!(
            [3, 112]
                .into_iter()
                .all(|code| !is_impossible_path(&io::Error::from_raw_os_error(code)))
        );
    }
}
