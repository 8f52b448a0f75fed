//! Addresses that a browser is sent to.

/// Whether an address is a path of this console: never another site's.
pub(super) fn is_local(address: &str) -> bool {
    let elsewhere = address.starts_with("//") || address.starts_with("/\\");
    let plain = address.bytes().all(|byte| (b'!'..=b'~').contains(&byte));
    address.starts_with('/') && !elsewhere && plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_another_site() {
        for (address, is) in [
            ("/hosts?q=fs%2002", true),
            ("/", true),
            ("", false),
            ("//evil.example/", false),
            ("/\\evil.example", false),
            ("/\t/evil.example", false),
            ("https://evil.example/", false),
            ("/a\r\nSet-Cookie: b=c", false),
        ] {
            assert_eq!(is_local(address), is, "{address:?}");
        }
    }
}
